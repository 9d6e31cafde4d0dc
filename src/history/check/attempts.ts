/** S8 to S11: one completion, none after it, attempts that are counted, and nothing before its time. */

import { whyPartial } from './adds.ts';
import { acceptedOf, countersAfter, endOf, pairsOf } from './ends.ts';
import { type Evidence, firstCall, type Grant, keyOf, lastDump, type Settled } from './evidence.ts';
import { mayBeForgotten } from './forgotten.ts';
import { type Check, Findings, type Verdict } from './report.ts';

const ENDS: readonly string[] = ['completed', 'failed', 'cancelled'];
const DEFAULT_MAX_CRASHES = 3;

const nameOf = (grant: Grant): string => `job ${keyOf(grant)} (token ${grant.token})`;

interface Accepted {
  readonly grant: Grant;
  readonly next: Grant | undefined;
  readonly settled: Settled;
}

function acceptedEnds(evidence: Evidence, life: readonly Grant[]): Accepted[] {
  return life.flatMap((grant, index) => {
    const settled = acceptedOf(evidence, grant.token);
    if (settled === null || !ENDS.includes(settled.settlement.to)) return [];
    return [{ grant, next: life[index + 1], settled }];
  });
}

function judgeCompletions(evidence: Evidence): Verdict {
  const findings = new Findings('S8');
  for (const life of evidence.lives) {
    const ends = acceptedEnds(evidence, life).filter(({ settled }) => settled.settlement.to === 'completed');
    const first = new Map<number, Accepted>();
    for (const end of ends) {
      const { grant } = end;
      const earlier = first.get(grant.generation);
      findings.expect(
        earlier === undefined,
        () => `${nameOf(grant)} completed again what token ${earlier?.grant.token} had completed`,
        [earlier?.settled.call.end, end.settled.call.end],
      );
      if (earlier === undefined) first.set(grant.generation, end);
    }
  }
  judgeRecordedCompletions(evidence, findings);
  return findings.verdict;
}

function judgeRecordedCompletions(evidence: Evidence, findings: Findings): void {
  const dump = lastDump(evidence);
  const seen = new Set<string>();
  for (const attempt of dump?.attempts.values() ?? []) {
    if (attempt.outcome !== 'completed') continue;
    const generation = `${keyOf(attempt)} generation ${attempt.generation}`;
    findings.expect(!seen.has(generation), () => `job ${generation} has two completed attempts on record`, [
      dump?.call.end,
    ]);
    seen.add(generation);
  }
}

function judgeEnds(evidence: Evidence): Verdict {
  const findings = new Findings('S9');
  for (const life of evidence.lives) {
    for (const { grant, next, settled } of acceptedEnds(evidence, life)) {
      findings.expect(
        next === undefined || next.generation > grant.generation,
        () =>
          `${nameOf(grant)} was ${settled.settlement.to}, and was claimed again with token ${next?.token}`,
        [settled.call.end, next === undefined ? null : firstCall(next).end],
      );
    }
  }
  return findings.verdict;
}

function judgeCounts(evidence: Evidence): Verdict {
  const findings = new Findings('S10');
  const noGaps = whyPartial(evidence) === null && evidence.unknownClaims.length === 0;
  for (const life of evidence.lives) {
    const isSpared = life.some(({ claim }) => claim.quarantine === true);
    for (const grant of life) judgeBounds(evidence, { grant, isSpared }, findings);
    const [first] = life;
    if (noGaps && first !== undefined) {
      findings.expect(
        first.claims === 1,
        () => `${nameOf(first)} is its first claim, counted as ${first.claims}`,
        [firstCall(first).end],
      );
    }
    for (const [earlier, later] of pairsOf(life)) {
      const lines = [firstCall(earlier).end, firstCall(later).end];
      const isNext = later.claims === earlier.claims + 1;
      findings.expect(
        (noGaps ? isNext : later.claims > earlier.claims) || mayBeForgotten(evidence, earlier),
        () => `${nameOf(later)} follows claim ${earlier.claims} and is counted as ${later.claims}`,
        lines,
      );
      if (isNext) judgeCounters(evidence, [earlier, later], findings);
    }
  }
  return findings.verdict;
}

/** Who runs suspects alone does not hold against a job that it crashed beside others. */
function judgeBounds(
  evidence: Evidence,
  { grant, isSpared }: { readonly grant: Grant; readonly isSpared: boolean },
  findings: Findings,
): void {
  const { failures = 0, crashes = 0, attempts } = grant;
  const most = maxCrashesOf(evidence, grant.queue);
  const line = firstCall(grant).end;
  findings.expect(failures < attempts, () => `${nameOf(grant)} has failed ${failures} of ${attempts} times`, [
    line,
  ]);
  if (isSpared) return;
  findings.expect(crashes <= most, () => `${nameOf(grant)} has crashed ${crashes} times of at most ${most}`, [
    line,
  ]);
}

/** The highest that was ever set, as far as it is known. */
function maxCrashesOf(evidence: Evidence, queue: string): number {
  const set = (evidence.queueMoves.get(queue) ?? []).flatMap(({ effect }) =>
    effect.op === 'configure' && effect.patch.maxCrashes !== undefined ? [effect.patch.maxCrashes] : [],
  );
  const dumped = evidence.dumps.flatMap((dump) => dump.queues.get(queue)?.settings.maxCrashes ?? []);
  const isKnown = evidence.scope.complete === true || dumped.length > 0;
  return isKnown ? Math.max(DEFAULT_MAX_CRASHES, ...set, ...dumped) : Number.POSITIVE_INFINITY;
}

function judgeCounters(evidence: Evidence, pair: readonly [Grant, Grant], findings: Findings): void {
  const [earlier, later] = pair;
  const found = { failures: later.failures ?? 0, crashes: later.crashes ?? 0 };
  const lines = [firstCall(earlier).end, firstCall(later).end];
  if (later.generation > earlier.generation) {
    findings.expect(
      found.failures === 0 && found.crashes === 0,
      () =>
        `${nameOf(later)} begins a generation with ${found.failures} failures and ${found.crashes} crashes`,
      lines,
    );
    return;
  }
  const due = countersAfter(endOf(evidence, earlier), earlier);
  if (due === null) return;
  findings.expect(
    found.failures === due.failures && found.crashes === due.crashes,
    () =>
      `${nameOf(later)} has ${found.failures} failures and ${found.crashes} crashes, but ${due.failures} and ${due.crashes} happened`,
    lines,
  );
}

export const completions: Check = {
  id: 'S8',
  promise: 'a job completes at most once in each generation',
  judge: judgeCompletions,
};

export const finalEnds: Check = {
  id: 'S9',
  promise: 'a job that has ended runs again only when somebody redrives it',
  judge: judgeEnds,
};

export const counts: Check = {
  id: 'S10',
  promise: 'claims, failures and crashes are counted without a gap, and bounded',
  judge: judgeCounts,
};
