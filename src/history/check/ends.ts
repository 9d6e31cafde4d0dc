/** How the lease of a claim came to its end, as far as the history tells. */

import type { HistoryLine } from '../line.ts';
import { type Evidence, firstCall, type Grant, isAccepted, lastDump, type Settled } from './evidence.ts';
import { mayBeForgotten } from './forgotten.ts';

export type End =
  | { readonly how: 'settled'; readonly settled: Settled }
  | { readonly how: 'crashed'; readonly line: HistoryLine | null }
  | { readonly how: 'handed-back'; readonly line: HistoryLine | null }
  /** An answer is missing that would tell. */
  | { readonly how: 'unknown' }
  | { readonly how: 'none' };

export function acceptedOf(evidence: Evidence, token: number): Settled | null {
  return evidence.settled.get(token)?.find(isAccepted) ?? null;
}

/** Answers come first; the store's own record of the attempt tells what no answer told. */
export function endOf(evidence: Evidence, grant: Grant): End {
  const settled = acceptedOf(evidence, grant.token);
  if (settled !== null) return { how: 'settled', settled };
  const reclaimed = evidence.reclaimed.get(grant.token)?.[0];
  if (reclaimed !== undefined) return { how: 'crashed', line: reclaimed.call.end };
  return recordedEnd(evidence, grant) ?? unansweredEnd(evidence, grant);
}

function recordedEnd(evidence: Evidence, grant: Grant): End | null {
  const attempt = lastDump(evidence)?.attempts.get(grant.token);
  if (attempt === undefined) return null;
  if (attempt.outcome === 'crashed') return { how: 'crashed', line: null };
  const ending = evidence.endings.get(grant.claim.worker)?.[0];
  if (attempt.outcome === 'released' && ending !== undefined) {
    return { how: 'handed-back', line: ending.begin };
  }
  return { how: 'unknown' };
}

function unansweredEnd(evidence: Evidence, grant: Grant): End {
  if (mayHaveEnded(evidence, grant)) return { how: 'unknown' };
  const ending = endingOf(evidence, grant);
  return ending === null ? { how: 'none' } : { how: 'handed-back', line: ending };
}

/** Its worker ended its session, which hands back what it holds. */
export function endingOf(evidence: Evidence, grant: Grant): HistoryLine | null {
  return evidence.endings.get(grant.claim.worker)?.[0]?.begin ?? null;
}

function mayHaveEnded(evidence: Evidence, grant: Grant): boolean {
  const { scope, isCut, settled, unknownUpkeep, at } = evidence;
  if (settled.get(grant.token)?.some(({ outcome }) => outcome === 'unknown')) return true;
  if (mayBeForgotten(evidence, grant)) return true;
  const claimedAt = at(firstCall(grant).begin);
  // One that was begun before may have been carried out after; where packets come late, after it was given up, too.
  const isLate = evidence.faults.some(({ fault }) => fault === 'late-packet');
  if (unknownUpkeep.some((call) => isLate || call.end === null || at(call.end) >= claimedAt)) return true;
  if (endingOf(evidence, grant) !== null) return false;
  return scope.complete !== true || isCut || grant.settled === true;
}

/** What `end` should have made of the counters of failures and crashes; null when nobody can tell. */
export function countersAfter(
  end: End,
  { failures = 0, crashes = 0 }: Grant,
): { readonly failures: number; readonly crashes: number } | null {
  if (end.how === 'crashed') return { failures, crashes: crashes + 1 };
  if (end.how === 'handed-back') return { failures, crashes };
  if (end.how !== 'settled') return null;
  return { failures: failures + (end.settled.settlement.to === 'retry' ? 1 : 0), crashes };
}

/** Neighbouring claims of one job. */
export function* pairsOf(life: readonly Grant[]): Generator<readonly [Grant, Grant]> {
  for (let index = 1; index < life.length; index++) {
    const [earlier, later] = [life[index - 1], life[index]];
    if (earlier !== undefined && later !== undefined) yield [earlier, later];
  }
}
