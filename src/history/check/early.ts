/** S11: delays, backoffs and their like are waited out. */

import { acceptedOf, pairsOf } from './ends.ts';
import {
  type Call,
  type Evidence,
  firstCall,
  type Grant,
  keyOf,
  lastDump,
  storeClockMoved,
} from './evidence.ts';
import { type Check, Findings, type Verdict } from './report.ts';

/** By the shared clock, which is not the store's: rounding, and a store's clock that runs a little fast. */
const SLACK_MS = 5;
const DRIFT = 0.001;

interface Wait {
  readonly grant: Grant;
  readonly afterMs: number;
  /** The call that asked for the wait. */
  readonly asked: Call;
  /** When the wait began, at the earliest, by the store's clock. */
  readonly fromAt: number;
}

function judgeEarly(evidence: Evidence): Verdict {
  if (storeClockMoved(evidence)) return { notMade: 'the clock by which delays are measured was moved' };
  const findings = new Findings('S11');
  for (const life of evidence.lives) {
    for (const grant of life) {
      findings.expect(
        grant.readyAt === null || grant.claimedAt >= grant.readyAt,
        () => `job ${keyOf(grant)} (token ${grant.token}) was claimed before it was ready`,
        [firstCall(grant).end],
      );
    }
    if (wasHurried(evidence, life)) continue;
    for (const wait of [...delayOf(evidence, life), ...backoffsOf(evidence, life)])
      judgeWait(evidence, wait, findings);
  }
  return findings.verdict;
}

/** Somebody promoted or rescheduled it, by name or by a bulk action. */
function wasHurried(evidence: Evidence, life: readonly Grant[]): boolean {
  const moves = [...new Set(life.map(keyOf))].flatMap((key) => evidence.moves.get(key) ?? []);
  const hurries = ['promote', 'reschedule', 'redrive', 'cancel'];
  if (moves.some(({ effect }) => hurries.includes(effect.op))) return true;
  return (evidence.queueMoves.get('*') ?? []).some(({ effect }) => effect.op === 'start-operation');
}

function* delayOf(evidence: Evidence, life: readonly Grant[]): Generator<Wait> {
  const [grant] = life;
  if (grant === undefined || grant.claims !== 1 || grant.from !== undefined) return;
  const made = (evidence.adds.get(keyOf(grant)) ?? []).filter(({ outcome }) => outcome !== 'refused');
  // Of several that may have made it, nobody knows which did.
  const [added] = made.length > 1 ? made.filter(({ outcome }) => outcome === 'created') : made;
  if (added === undefined || added.outcome === 'duplicate') return;
  if (made.some(({ outcome }) => outcome === 'unknown' || outcome === 'acknowledged') && made.length > 1)
    return;
  const afterMs = added.job.delayMs ?? 0;
  if (afterMs > 0) yield { grant, afterMs, asked: added.call, fromAt: grant.addedAt };
}

function* backoffsOf(evidence: Evidence, life: readonly Grant[]): Generator<Wait> {
  const attempts = lastDump(evidence)?.attempts;
  for (const [earlier, grant] of pairsOf(life)) {
    const settled = acceptedOf(evidence, earlier.token);
    const afterMs = settled?.settlement.afterMs ?? 0;
    if (settled === null || afterMs === 0 || grant.claims !== earlier.claims + 1) continue;
    const fromAt = attempts?.get(earlier.token)?.endedAt ?? earlier.claimedAt;
    yield { grant, afterMs, asked: firstSettling(evidence, earlier.token) ?? settled.call, fromAt };
  }
}

/** A repeated settlement may have been carried out the first time. */
function firstSettling(evidence: Evidence, token: number): Call | null {
  return evidence.settled.get(token)?.[0]?.call ?? null;
}

function judgeWait(evidence: Evidence, { grant, afterMs, asked, fromAt }: Wait, findings: Findings): void {
  const claimed = firstCall(grant).end;
  const name = `job ${keyOf(grant)} (token ${grant.token})`;
  findings.expect(
    grant.claimedAt >= fromAt + afterMs,
    () => `${name} had to wait ${afterMs} ms and was claimed after ${grant.claimedAt - fromAt} ms`,
    [asked.begin, claimed],
  );
  if (claimed === null) return;
  const passedMs = evidence.at(claimed) - evidence.at(asked.begin) + evidence.toleranceMs;
  findings.expect(
    passedMs + SLACK_MS + passedMs * DRIFT >= afterMs,
    () => `${name} had to wait ${afterMs} ms and was there after ${Math.round(passedMs)} ms`,
    [asked.begin, claimed],
  );
}

export const early: Check = {
  id: 'S11',
  promise: 'delayed and retried jobs never start early',
  judge: judgeEarly,
};
