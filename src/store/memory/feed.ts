import { CHANGES_KEPT, CHANGES_KEPT_MS } from '../../job/keep.ts';
import type { Change, FeedPage, FeedRequest } from '../store.ts';
import { giveBytes } from './own.ts';
import type { Recording, State } from './state.ts';
import { isRecorded, type Step } from './step.ts';

/** Asking keeps the recording on; a queue that was not recorded until now is from here on. */
export function feed(step: Step, request: FeedRequest): FeedPage {
  const { state, nowMs } = step;
  for (const queue of request.queues) {
    const recording = isRecorded(step, queue) ? recordingOf(state, queue) : startRecording(step, queue);
    recording.untilAt = Math.max(recording.untilAt, nowMs + request.keepMs);
  }
  const { after } = request;
  if (after === null) return { changes: [], cursor: state.change, complete: true };
  const complete = request.queues.every((queue) => after >= recordingOf(state, queue).floor);
  const changes = since(state, after)
    .filter((change) => request.queues.includes(change.queue))
    .slice(0, request.limit);
  const isFull = changes.length === request.limit;
  const cursor = isFull ? (changes.at(-1)?.cursor ?? after) : state.change;
  return { changes: changes.map(giveChange), cursor, complete };
}

/** Uses up a number: who read only up to before it may have missed changes. */
export function startRecording({ state }: Step, queue: string): Recording {
  state.change += 1;
  const recording = recordingOf(state, queue);
  recording.floor = state.change;
  return recording;
}

function recordingOf(state: State, queue: string): Recording {
  const recording = state.recordings.get(queue) ?? { untilAt: 0, floor: 0 };
  state.recordings.set(queue, recording);
  return recording;
}

function since({ changes }: State, after: number): Change[] {
  let first = changes.length;
  while (first > 0 && (changes[first - 1]?.cursor ?? 0) > after) first -= 1;
  return changes.slice(first);
}

function giveChange(change: Change): Change {
  return { ...change, data: giveBytes(change.data) };
}

/** Drops changes that are too old, and those beyond the newest of each queue. */
export function pruneChanges({ state, nowMs }: Step): void {
  const kept = new Map<string, number>();
  const newestFirst = state.changes.toReversed().filter((change) => {
    const newer = kept.get(change.queue) ?? 0;
    if (newer < CHANGES_KEPT && nowMs - change.at < CHANGES_KEPT_MS) {
      kept.set(change.queue, newer + 1);
      return true;
    }
    const recording = recordingOf(state, change.queue);
    recording.floor = Math.max(recording.floor, change.cursor);
    return false;
  });
  state.changes = newestFirst.toReversed();
}
