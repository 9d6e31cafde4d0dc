import { MAX_SLICE } from '../../job/limits.ts';
import { patchSettings, type QueuePatch, type QueueSettings } from '../../job/queue-settings.ts';
import type { Swept } from '../store.ts';
import { startRecording } from './feed.ts';
import { queueOf } from './jobs.ts';
import { discardNow } from './move.ts';
import { own } from './own.ts';
import { bySeq, type StoredJob } from './state.ts';
import { hint, isRecorded, type Step, tellOfQueue } from './step.ts';

export function configure(step: Step, name: string, patch: QueuePatch): QueueSettings {
  const queue = queueOf(step, name);
  const { paused } = queue.settings;
  if (patch.feed === 'on' && !isRecorded(step, name)) startRecording(step, name);
  queue.settings = own(patchSettings(queue.settings, patch));
  hint(step, name, 'settings');
  if (queue.settings.paused === paused) return queue.settings;
  tellOfQueue(step, paused ? 'resumed' : 'paused', queue);
  if (paused) hint(step, name, 'ready');
  return queue.settings;
}

export interface Drain {
  readonly queue: string;
  readonly delayed: boolean;
  readonly before: number | null;
}

/** Jobs that came after the first call stay: a drain under load comes to an end. */
export function drain(step: Step, request: Drain): Swept {
  const before = request.before ?? step.state.seq;
  const queue = step.state.queues.get(request.queue);
  if (queue === undefined) return { outcome: 'ok', removed: 0, more: false, before };
  const { removed, more } = removeSome(step, [...queue.jobs.values()], ({ seq, record: { state } }) => {
    return seq <= before && (state === 'waiting' || (request.delayed && state === 'delayed'));
  });
  if (!more) tellOfQueue(step, 'drained', queue);
  return { outcome: 'ok', removed, more, before };
}

export function obliterate(step: Step, name: string, force: boolean): Swept {
  const queue = step.state.queues.get(name);
  if (queue === undefined) return { outcome: 'ok', removed: 0, more: false, before: 0 };
  if (queue.counts.active > 0 && !force) return { outcome: 'active', removed: 0, more: false, before: 0 };
  configure(step, name, { paused: true });
  const { removed, more } = removeSome(step, [...queue.jobs.values()], () => true);
  if (!more) step.state.queues.delete(name);
  return { outcome: 'ok', removed, more, before: 0 };
}

/** The oldest first, as many as one call may touch. */
function removeSome(
  step: Step,
  jobs: readonly StoredJob[],
  isMeant: (job: StoredJob) => boolean,
): { removed: number; more: boolean } {
  const meant = jobs.filter(isMeant).sort(bySeq);
  for (const job of meant.slice(0, MAX_SLICE)) discardNow(step, job);
  return { removed: Math.min(meant.length, MAX_SLICE), more: meant.length > MAX_SLICE };
}
