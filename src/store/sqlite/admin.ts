import { MAX_SLICE } from '../../job/limits.ts';
import { patchSettings, type QueuePatch, type QueueSettings } from '../../job/queue-settings.ts';
import { JOB_STATES, type JobState } from '../../job/record.ts';
import type { Swept } from '../store.ts';
import { candidates } from './candidates.ts';
import { startRecording } from './feed.ts';
import { discardAll } from './move.ts';
import { isRecorded, type QueueState, saveSettings, tell } from './queue.ts';
import { rowsOf } from './row.ts';
import type { Transaction } from './transaction.ts';

const COUNT_ACTIVE = 'select count_active as active from millrace_queue where id = ?';
const DELETE_STATS = 'delete from millrace_stat where queue = ?';
const DELETE_QUEUE = 'delete from millrace_queue where id = ?';

export function configure(tx: Transaction, name: string, patch: QueuePatch): QueueSettings {
  const queue = tx.ensureQueue(name);
  const { paused } = queue.settings;
  if (patch.feed === 'on' && !isRecorded(queue, tx.now)) startRecording(tx, name);
  queue.settings = patchSettings(queue.settings, patch);
  saveSettings(tx.db, queue);
  tx.hint(name, 'settings');
  if (queue.settings.paused === paused) return queue.settings;
  tell(tx, queue, { kind: paused ? 'resumed' : 'paused', id: '', name: '' });
  if (paused) tx.hint(name, 'ready');
  return queue.settings;
}

export interface Drain {
  readonly queue: string;
  readonly delayed: boolean;
  readonly before: number | null;
}

/** Jobs that came after the first call stay: a drain under load comes to an end. */
export function drain(tx: Transaction, request: Drain): Swept {
  const before = request.before ?? tx.last('seq');
  const queue = tx.queue(request.queue);
  if (queue === null) return { outcome: 'ok', removed: 0, more: false, before };
  const states: JobState[] = request.delayed ? ['waiting', 'delayed'] : ['waiting'];
  const { removed, more } = removeSome(tx, queue, { states, before });
  if (!more) tell(tx, queue, { kind: 'drained', id: '', name: '' });
  return { outcome: 'ok', removed, more, before };
}

export function obliterate(tx: Transaction, name: string, force: boolean): Swept {
  const queue = tx.queue(name);
  if (queue === null) return { outcome: 'ok', removed: 0, more: false, before: 0 };
  tx.flush();
  const active = tx.db.get<{ active: number }>(COUNT_ACTIVE, queue.id)?.active ?? 0;
  if (active > 0 && !force) return { outcome: 'active', removed: 0, more: false, before: 0 };
  configure(tx, name, { paused: true });
  const { removed, more } = removeSome(tx, queue, { states: JOB_STATES, before: Number.MAX_SAFE_INTEGER });
  if (!more) forget(tx, queue);
  return { outcome: 'ok', removed, more, before: 0 };
}

function forget(tx: Transaction, queue: QueueState): void {
  tx.db.run(DELETE_STATS, queue.id);
  tx.db.run(DELETE_QUEUE, queue.id);
  tx.forgetQueue(queue);
}

/** The oldest first, as many as one call may touch. */
function removeSome(
  tx: Transaction,
  queue: QueueState,
  { states, before }: { states: readonly JobState[]; before: number },
): { removed: number; more: boolean } {
  const meant: number[] = [];
  for (const seq of candidates(tx, { queues: [queue.name], states }, { order: 'oldest', from: 0 })) {
    if (seq > before || meant.length > MAX_SLICE) break;
    meant.push(seq);
  }
  discardAll(tx, rowsOf(tx.db, meant.slice(0, MAX_SLICE)));
  return { removed: Math.min(meant.length, MAX_SLICE), more: meant.length > MAX_SLICE };
}
