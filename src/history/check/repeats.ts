/** Parts of S15: what is repeated with the same id takes no other jobs, and the id of a job that is kept is taken. */

import type { LoggedClaimAnswer, LoggedCommit } from '../line.ts';
import { type Added, type Call, type Evidence, isBefore, keyOf, lastDump } from './evidence.ts';
import { push } from './push.ts';
import type { Findings } from './report.ts';

/** Ids of claims are remembered for twice as long; that leaves room for clocks that disagree. */
const REMEMBERED_MS = 300_000;
/** What is kept for a day is there as long as any history. */
const DAY_MS = 86_400_000;

function isSoonAfter({ at }: Evidence, first: Call, call: Call): boolean {
  return at(call.end ?? call.begin) - at(first.begin) < REMEMBERED_MS;
}

/** A claim that is repeated gives leases of its first answer, and none beside them. */
export function judgeClaims(evidence: Evidence, findings: Findings): void {
  const answers = new Map<string, { readonly call: Call; readonly tokens: readonly number[] }[]>();
  for (const call of evidence.calls) {
    for (const { claimId, jobs } of claimedBy(call)) {
      if (jobs.length > 0) push(answers, claimId, { call, tokens: jobs.map(({ token }) => token) });
    }
  }
  for (const [claimId, given] of answers) {
    const most = given.reduce((one, other) => (other.tokens.length > one.tokens.length ? other : one));
    for (const { call, tokens } of given) {
      if (call === most.call || !isSoonAfter(evidence, given[0]?.call ?? call, call)) continue;
      findings.expect(
        tokens.every((token) => most.tokens.includes(token)),
        () => `claim ${claimId} was repeated and took other jobs than before, whose leases are stranded`,
        [most.call.end, call.end],
      );
    }
  }
}

function claimedBy({ begin, end }: Call): readonly LoggedClaimAnswer[] {
  if (end?.kind !== 'ok') return [];
  if (begin.op === 'claim') return end.answer as LoggedClaimAnswer[];
  return begin.op === 'commit' ? (end.answer as LoggedCommit).claimed : [];
}

/** Of all calls that add one id, one makes the job, while nothing takes it away. */
export function judgeKept(evidence: Evidence, findings: Findings): void {
  for (const [key, added] of evidence.adds) {
    const made = added.filter(({ outcome }) => outcome === 'created');
    const [first] = made;
    if (first === undefined || !staysFor(evidence, added)) continue;
    for (const again of made.slice(1)) {
      const isRepeated = again.requestId !== null && again.requestId === first.requestId;
      const isLater = isBefore(evidence, first.call, again.call);
      findings.expect(
        isRepeated || !isLater,
        () => `job ${key} was there, and adding it again made a second one`,
        [first.call.end, again.call.end],
      );
    }
  }
}

/** Nobody took it away, and retention could not yet. */
function staysFor(evidence: Evidence, added: readonly Added[]): boolean {
  const { job } = added[0] as Added;
  if (added.some((one) => one.job.keepCompletedMs !== undefined || one.job.keepFailedMs !== undefined))
    return false;
  const takesAway = ({ effect }: { readonly effect: { readonly op: string } }): boolean =>
    ['discard', 'redrive', 'drain', 'obliterate', 'start-operation'].includes(effect.op);
  const moves = evidence.movesById.get(job.id) ?? [];
  const swept = [...(evidence.queueMoves.get(job.queue) ?? []), ...(evidence.queueMoves.get('*') ?? [])];
  if ([...moves, ...swept].some(takesAway)) return false;
  const settings = lastDump(evidence)?.queues.get(keyOf(job).slice(0, -job.id.length - 1))?.settings;
  if (settings === undefined || settings.deadLetterQueue !== null) return false;
  const { completed, failed, cancelled } = settings.retention;
  const isLong = ({ ageMs }: { readonly ageMs: number | null }): boolean => ageMs === null || ageMs >= DAY_MS;
  const most = [completed, failed, cancelled].map(({ count }) => count ?? Number.POSITIVE_INFINITY);
  return [completed, failed, cancelled].every(isLong) && evidence.adds.size <= Math.min(...most);
}
