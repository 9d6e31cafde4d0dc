import { decodeJson } from '../job/payload.ts';
import type { StoredError } from '../job/record.ts';
import type { Change, ChangeKind } from '../store/store.ts';
import { readStoredError } from './stored-error.ts';
import type { Loose } from './types.ts';

/** What every event of a queue says. */
export interface QueueEvent {
  readonly kind: ChangeKind;
  readonly queueName: string;
  /** Empty for events of the queue itself. */
  readonly jobId: string;
  readonly name: string;
  /** Epoch milliseconds of the store's clock. */
  readonly at: number;
  /** Rises; pass the last one seen as `after` to go on from there. */
  readonly cursor: number;
}

/** Values beyond 64 KiB are left out (null): read the job for them. */
export interface CompletedEvent extends QueueEvent {
  readonly returnvalue: Loose;
}

export interface FailedEvent extends QueueEvent {
  readonly failedReason: string;
  readonly error: StoredError | null;
}

export interface ProgressEvent extends QueueEvent {
  readonly data: Loose;
}

/** Changes were missed: they are no longer kept, or nobody recorded them. What follows is whole again. */
export interface GapEvent {
  readonly kind: 'gap';
  readonly queueName: string;
  readonly cursor: number;
}

type Plain = Exclude<ChangeKind, 'completed' | 'failed' | 'retried' | 'progress'>;

/** Event name → its listener's arguments. */
export type QueueEventsMap = { readonly [Kind in Plain]: [event: QueueEvent] } & {
  completed: [event: CompletedEvent];
  failed: [event: FailedEvent];
  /** An attempt failed and another will follow. */
  retried: [event: FailedEvent];
  progress: [event: ProgressEvent];
  gap: [event: GapEvent];
  error: [error: Error];
};

export type AnyQueueEvent = QueueEvent | CompletedEvent | FailedEvent | ProgressEvent | GapEvent;

export function eventOf(change: Change): Exclude<AnyQueueEvent, GapEvent> {
  const { kind, queue: queueName, id: jobId, name, at, cursor } = change;
  const event = { kind, queueName, jobId, name, at, cursor };
  switch (kind) {
    case 'completed':
      return { ...event, returnvalue: decodeValue(change) };
    case 'progress':
      return { ...event, data: decodeValue(change) };
    case 'failed':
    case 'retried': {
      const error = readStoredError(decodeValue(change));
      return { ...event, failedReason: error?.message ?? '', error };
    }
    default:
      return event;
  }
}

/** What is not JSON came from another program; the event is worth telling all the same. */
function decodeValue({ data }: Change): unknown {
  if (data === null) return null;
  try {
    return decodeJson(data);
  } catch {
    return null;
  }
}
