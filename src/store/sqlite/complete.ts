/** The end of most attempts, for many at once: the job is completed, and nothing else follows from it. */

import { changeData } from '../../job/change-data.ts';
import { ATTEMPTS_KEPT, keptForNoTime } from '../../job/keep.ts';
import { isPastDue } from '../../job/lease.ts';
import type { Bytes } from '../../job/record.ts';
import type { Settlement, SettleResult } from '../store.ts';
import { endToEnd } from './end-to-end.ts';
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
/** For jobs that gave nothing: their numbers suffice. */
const COMPLETE = `
  update millrace_job set state = 'completed', settled_token = token, finished_at = ?1, result = null, trace_id = null
  where seq in (select e.value from json_each(?2) e)`;
/**
 * For jobs with a result or a trace: their number, where the result lies in ?3, how long it is, and the trace. No bytes
 * at all would be null to `substr`.
 */
const COMPLETE_WITH = `
  update millrace_job set state = 'completed', settled_token = token, finished_at = ?1,
    result = iif(e.value ->> 2 = 0, x'', substr(?3, e.value ->> 1, e.value ->> 2)), trace_id = e.value ->> 3
  from json_each(?2) e where millrace_job.seq = e.value ->> 0`;
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
  const bare = endings.filter(({ settlement }) => isBare(settlement));
  if (bare.length > 0) tx.db.run(COMPLETE, tx.now, JSON.stringify(bare.map(({ held }) => held[1])));
  if (bare.length < endings.length) {
    writeWith(
      tx,
      endings.filter(({ settlement }) => !isBare(settlement)),
    );
  }
  for (const worker of new Set(endings.map(({ held }) => held[4]))) {
    const tokens = endings.filter(({ held }) => held[4] === worker).map(({ held }) => held[3]);
    tx.db.run(END_LEASES, worker, JSON.stringify(tokens));
  }
}

function isBare({ next, traceId }: Completion): boolean {
  return next.result === null && traceId === undefined;
}

function writeWith(tx: Transaction, endings: readonly Ending[]): void {
  const results = endings.flatMap(({ settlement }) => settlement.next.result ?? []);
  let at = 1;
  const rows = endings.map(({ held, settlement }) => {
    const { next, traceId = null } = settlement;
    const row = [held[1], at, next.result?.byteLength ?? null, traceId];
    at += next.result?.byteLength ?? 0;
    return row;
  });
  tx.db.run(COMPLETE_WITH, tx.now, JSON.stringify(rows), endToEnd(results));
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
