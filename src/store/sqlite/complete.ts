/** The end of most attempts, for many at once: the job is completed, and nothing else follows from it. */

import { changeData } from '../../job/change-data.ts';
import { ATTEMPTS_KEPT, keptForNoTime } from '../../job/keep.ts';
import { isPastDue } from '../../job/lease.ts';
import type { Bytes } from '../../job/record.ts';
import type { Settlement, SettleResult } from '../store.ts';
import { manyRows } from './many.ts';
import { isRecorded, type QueueState, tell } from './queue.ts';
import type { Transaction } from './transaction.ts';

type Completion = Settlement & { readonly next: { readonly to: 'completed'; readonly result: Bytes | null } };

type HeldTuple = readonly [
  index: number,
  seq: number,
  name: string,
  token: number,
  worker: string,
  claimedAt: number | null,
  expiresAt: number | null,
  deadlineAt: number | null,
  sessionEndsAt: number | null,
];

interface Ending {
  readonly settlement: Completion;
  readonly held: HeldTuple;
}

/** Jobs whose end needs more than this (an error to clear, a time of their own to be kept) are left out. */
const HELD = `
  select json_array(e.key, j.seq, j.name, j.token, j.worker, j.claimed_at, l.expires_at, l.deadline_at, s.expires_at)
  from json_each(?1) e cross join millrace_job j indexed by millrace_job_id
  cross join millrace_lease l left join millrace_session s on l.expires_at is null and s.id = l.worker
  where j.id = e.value and j.queue = ?2 and l.worker = j.worker and l.token = j.token and j.state = 'active'
    and j.fingerprint is null and j.keep_completed_ms is null and j.claims <= ${ATTEMPTS_KEPT}`;
const COMPLETE = manyRows({
  shared: 1,
  before: `
    update millrace_job set state = 'completed', settled_token = token, finished_at = ?1, result = v.column2,
      trace_id = v.column3
    from (values`,
  row: (at) => `(?${at}, ?${at + 1}, ?${at + 2})`,
  width: 3,
  after: ') v where millrace_job.seq = v.column1',
});
const END_LEASES = `
  delete from millrace_lease where worker = ?1 and token in (select e.value from json_each(?2) e)`;

export function isPlain(settlement: Settlement): settlement is Completion {
  return settlement.next.to === 'completed' && (settlement.effects ?? []).length === 0;
}

/**
 * Completes those of the settlements that are as plain as that; the answers of the others are null, and nothing was
 * done for them. All are of one queue, and each job is there once.
 */
export function completeAll(tx: Transaction, settlements: readonly Settlement[]): (SettleResult | null)[] {
  const answers: (SettleResult | null)[] = settlements.map(() => null);
  const queue = tx.queue(settlements[0]?.lease.queue ?? '');
  if (queue === null || keptForNoTime(OF_THE_QUEUE, queue.settings, 'completed')) return answers;
  const endings = endingsOf(tx, queue, settlements);
  // Jobs that are told about are told about in their order.
  if (endings.length < settlements.length && isRecorded(queue, tx.now)) return answers;
  write(tx, endings);
  for (const ending of endings) {
    report(tx, queue, ending);
    answers[ending.held[0]] = COMPLETED;
  }
  count(tx, queue, endings.length);
  return answers;
}

function endingsOf(tx: Transaction, queue: QueueState, settlements: readonly Settlement[]): Ending[] {
  const ids = JSON.stringify(settlements.map(({ lease }) => lease.id));
  return tx.db.tuples<[string]>(HELD, ids, queue.id).flatMap(([text]): Ending[] => {
    const held = JSON.parse(text) as HeldTuple;
    const settlement = settlements[held[0]];
    const isMeant = settlement !== undefined && isPlain(settlement) && holds(tx, held, settlement);
    return isMeant ? [{ settlement, held }] : [];
  });
}

const COMPLETED: SettleResult = Object.freeze({ outcome: 'ok', state: 'completed' });
const OF_THE_QUEUE = { keepCompletedMs: null, keepFailedMs: null };

function holds(tx: Transaction, held: HeldTuple, { lease, mode }: Settlement): boolean {
  const [, , , token, , , expiresAt, deadlineAt, sessionEndsAt] = held;
  if (token !== lease.token) return false;
  return mode === 'lenient' || !isPastDue({ expiresAt, deadlineAt }, sessionEndsAt, tx.now);
}

function write(tx: Transaction, endings: readonly Ending[]): void {
  const rows = endings.map(({ held, settlement }) => [
    held[1],
    settlement.next.result,
    settlement.traceId ?? null,
  ]);
  COMPLETE(tx.db, [tx.now], rows);
  for (const worker of new Set(endings.map(({ held }) => held[4]))) {
    const tokens = endings.filter(({ held }) => held[4] === worker).map(({ held }) => held[3]);
    tx.db.run(END_LEASES, worker, JSON.stringify(tokens));
  }
}

function report(tx: Transaction, queue: QueueState, { settlement, held }: Ending): void {
  const [, , name, , , claimedAt] = held;
  const { id } = settlement.lease;
  tx.count(queue, name, { event: 'completed', runMs: Math.max(0, tx.now - (claimedAt ?? tx.now)) });
  tell(tx, queue, { kind: 'completed', id, name }, () => changeData(settlement.next.result));
}

function count(tx: Transaction, { tally, name }: QueueState, jobs: number): void {
  if (jobs === 0) return;
  tally.add('count_active', -jobs);
  tally.add('count_completed', jobs);
  tally.add('ruled_completed', jobs);
  tally.add('total_completed', jobs);
  tx.hint(name, 'ended');
}
