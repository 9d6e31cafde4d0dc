import { LEASE_EXPIRED, suspicionMs } from '../../job/lease.ts';
import type { Reclaimed, UpkeepReport } from '../store.ts';
import { closeAttempt, isOver } from './attempt.ts';
import { deadLetter, deadLetterQueueOf } from './dead-letter.ts';
import { alter, cancelNow } from './jobs.ts';
import type { Moving } from './moving.ts';
import type { ChoreResult } from './promote.ts';
import type { Transaction } from './transaction.ts';
import { changeLease } from './write.ts';

/** Those that are past due, or were suspected of it, by token; leases in time and not suspected are not looked at. */
const SUSPECTS = 'select seq, token from {s}.suspects_v1($1, $2)';
/** Many may be suspected and not old enough; they do not count, and are looked at all the same. */
const LOOKED_AT = 5_000;

/**
 * Takes back jobs whose leases are past due. The first pass that sees one only marks it, and a lease that is in
 * time again loses its mark: one jump of the clock takes no live lease. A pass that finds nothing writes nothing.
 */
export async function reclaim(
  tx: Transaction,
  limit: number,
): Promise<ChoreResult & Pick<UpkeepReport, 'reclaimed' | 'suspicionMs'>> {
  const found = await tx.db.all<{ seq: number; token: number }>(SUSPECTS, tx.now, LOOKED_AT);
  const rows = await tx.jobsBySeq(
    found.map(({ seq }) => seq),
    false,
  );
  const held = rows.filter(({ held }) => held).sort((one, other) => one.token - other.token);
  await needTargets(tx, held);
  const reclaimed: Reclaimed[] = [];
  let touched = 0;
  let more = found.length === LOOKED_AT;
  let longestMs = 0;
  for (const row of held) {
    const verdict = judge(tx, row);
    if (verdict === 'clear' && row.suspect_at !== null) changeLease(tx, row, { suspect_at: null });
    if (verdict === 'clear' || verdict === 'wait') continue;
    if (touched === limit) {
      more = true;
      continue;
    }
    touched += 1;
    if (verdict === 'mark') {
      changeLease(tx, row, { suspect_at: tx.now });
      longestMs = Math.max(longestMs, suspicionOf(row));
    } else reclaimed.push(await takeBack(tx, row));
  }
  return { touched, more, reclaimed, suspicionMs: longestMs };
}

/** Where dead letters would go, so that all jobs are locked in one order. */
async function needTargets(tx: Transaction, rows: readonly Moving[]): Promise<void> {
  const targets = rows.flatMap((row) => {
    const queue = deadLetterQueueOf(row, tx.knownQueueById(row.queue));
    return queue === null ? [] : [{ queue, id: row.id }];
  });
  await tx.needJobs(targets);
}

/** `wait`: the suspicion is too young, its worker may show itself yet. */
function judge(tx: Transaction, row: Moving): 'clear' | 'mark' | 'wait' | 'take' {
  if (!isOver(tx, row)) return 'clear';
  if (row.suspect_at === null) return 'mark';
  if (row.lease_expires_at !== null) return 'take';
  // The clock went back: how old the suspicion is cannot be told any more.
  if (row.suspect_at > tx.now) return 'mark';
  return tx.now - row.suspect_at < suspicionOf(row) ? 'wait' : 'take';
}

/** Of a lease with a time of its own nobody knows how often it is renewed: that is its holder's affair. */
function suspicionOf({ lease_expires_at: expiresAt, session }: Moving): number {
  return expiresAt === null ? suspicionMs(session) : 0;
}

/** `settled_token` stays as it was, so that the late worker is told that it was superseded. */
async function takeBack(tx: Transaction, row: Moving): Promise<Reclaimed> {
  const queue = tx.knownQueueById(row.queue);
  const crashes = row.crashes + 1;
  const { id, token, worker, spared } = row;
  closeAttempt(tx, row, { outcome: 'crashed', error: LEASE_EXPIRED });
  tx.sums.of(queue.id).add('total_reclaimed', 1);
  tx.tell(queue, { kind: 'reclaimed', id, name: row.name });
  await sendOn(tx, row, { crashes, isLast: crashes > queue.settings.maxCrashes && !spared });
  return { queue: queue.name, id, token, worker: worker ?? '', crashes, state: row.state };
}

async function sendOn(
  tx: Transaction,
  row: Moving,
  { crashes, isLast }: { crashes: number; isLast: boolean },
): Promise<void> {
  if (row.cancel_reason !== null) {
    alter(tx, row, { crashes });
    cancelNow(tx, row, 'cancelled', row.cancel_reason);
  } else if (isLast) {
    await deadLetter(tx, row, { cause: 'crashed', error: LEASE_EXPIRED, changes: { crashes } });
  } else {
    alter(tx, row, { state: 'waiting', ready_at: tx.now, crashes });
  }
}
