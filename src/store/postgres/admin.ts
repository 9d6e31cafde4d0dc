import { MAX_SLICE } from '../../job/limits.ts';
import { patchSettings, type QueuePatch, type QueueSettings } from '../../job/queue-settings.ts';
import type { Swept } from '../store.ts';
import { startRecording } from './feed.ts';
import { discardNow } from './move.ts';
import { type QueueState, saveSettings } from './queue.ts';
import type { Transaction } from './transaction.ts';

/** Two who change the settings of one queue do so one after the other. */
const LOCK_QUEUE = 'select 1 from {s}.queue where id = $1 for update';
const IS_RECORDED = 'select {s}.is_recorded_v1($1, $2) as recorded';
const LAST_SEQ = 'select case when is_called then last_value else 0 end::bigint as seq from {s}.job_number';
const COUNT_ACTIVE = `
  select (coalesce((select active from {s}.tally where queue_id = $1), 0)
    + coalesce((select sum(active) from {s}.delta where queue_id = $1), 0))::bigint as active`;
const WAITING = `
  select seq from (
    (select seq from {s}.ready where queue_id = $1 and seq <= $2 order by seq limit $3)
    union all
    (select seq from {s}.aside where queue_id = $1 and seq <= $2 order by seq limit $3)
    union all
    (select seq from {s}.job where queue_id = $1 and state = 1 and state <> 0 and seq <= $2 and $4 order by seq limit $3)
  ) x order by seq limit $3`;
/** About in the order of adding: ids made by this library rise. */
const ANY = 'select seq from {s}.job where queue_id = $1 order by id limit $2';
const DELETE_QUEUE = [
  'delete from {s}.stat where queue_id = $1',
  'delete from {s}.delta where queue_id = $1',
  'delete from {s}.tally where queue_id = $1',
  'delete from {s}.pruned where queue_id = $1',
  'delete from {s}.queue where id = $1',
];

export async function configure(tx: Transaction, name: string, patch: QueuePatch): Promise<QueueSettings> {
  // What was told before is told by the settings before.
  await tx.flush();
  const { id } = await tx.ensureQueue(name);
  await tx.db.run(LOCK_QUEUE, id);
  const queue = await tx.freshQueue(name);
  const { paused } = queue.settings;
  if (patch.feed === 'on') {
    const row = await tx.db.get<{ recorded: boolean }>(IS_RECORDED, name, tx.now);
    if (row?.recorded !== true) await startRecording(tx, name);
  }
  queue.settings = patchSettings(queue.settings, patch);
  await saveSettings(tx.db, queue);
  tx.hint(name, 'settings');
  if (queue.settings.paused === paused) return queue.settings;
  tx.tell(queue, { kind: paused ? 'resumed' : 'paused', id: '', name: '' });
  if (paused) tx.hint(name, 'ready');
  return queue.settings;
}

export interface Drain {
  readonly queue: string;
  readonly delayed: boolean;
  readonly before: number | null;
}

/** Jobs that came after the first call stay: a drain under load comes to an end. */
export async function drain(tx: Transaction, request: Drain): Promise<Swept> {
  await tx.flush();
  const before = request.before ?? (await lastSeq(tx));
  const queue = await tx.queue(request.queue);
  if (queue === null) return { outcome: 'ok', removed: 0, more: false, before };
  const rows = await tx.db.all<{ seq: number }>(WAITING, queue.id, before, MAX_SLICE + 1, request.delayed);
  const { removed, more } = await removeSome(tx, rows, (state) => {
    return state === 'waiting' || (request.delayed && state === 'delayed');
  });
  if (!more) tx.tell(queue, { kind: 'drained', id: '', name: '' });
  return { outcome: 'ok', removed, more, before };
}

/** The last number given out. */
export async function lastSeq(tx: Transaction): Promise<number> {
  return (await tx.db.get<{ seq: number }>(LAST_SEQ))?.seq ?? 0;
}

export async function obliterate(tx: Transaction, name: string, force: boolean): Promise<Swept> {
  await tx.flush();
  const queue = await tx.queue(name);
  if (queue === null) return { outcome: 'ok', removed: 0, more: false, before: 0 };
  const active = (await tx.db.get<{ active: number }>(COUNT_ACTIVE, queue.id))?.active ?? 0;
  if (active > 0 && !force) return { outcome: 'active', removed: 0, more: false, before: 0 };
  await configure(tx, name, { paused: true });
  const rows = await tx.db.all<{ seq: number }>(ANY, queue.id, MAX_SLICE + 1);
  const { removed, more } = await removeSome(tx, rows, () => true);
  if (!more) await forget(tx, queue);
  return { outcome: 'ok', removed, more, before: 0 };
}

async function forget(tx: Transaction, queue: QueueState): Promise<void> {
  tx.sums.forget(queue.id);
  await tx.flush();
  for (const sql of DELETE_QUEUE) await tx.db.run(sql, queue.id);
  tx.forgetQueue(queue);
}

/** The oldest first, as many as one call may touch. Those that moved on meanwhile are left alone. */
async function removeSome(
  tx: Transaction,
  rows: readonly { readonly seq: number }[],
  isMeant: (state: string) => boolean,
): Promise<{ removed: number; more: boolean }> {
  const seqs = rows
    .slice(0, MAX_SLICE)
    .map(({ seq }) => seq)
    .sort((one, other) => one - other);
  const jobs = (await tx.jobsBySeq(seqs)).filter(({ state }) => isMeant(state));
  for (const job of jobs) discardNow(tx, job);
  return { removed: jobs.length, more: rows.length > MAX_SLICE };
}
