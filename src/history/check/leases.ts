/** S5 to S7: one holder at a time, tokens that rise for ever, and writes that come too late. */

import { acceptedOf, endOf, pairsOf } from './ends.ts';
import {
  type Call,
  type Evidence,
  firstCall,
  type Grant,
  isBefore,
  keyOf,
  type LeaseWrite,
  lastDump,
  type Settled,
  storeClockMoved,
} from './evidence.ts';
import { mayBeForgotten } from './forgotten.ts';
import { leaseEndOf } from './lease-end.ts';
import { type Check, Findings, type Verdict } from './report.ts';

const nameOf = (grant: Grant): string => `job ${keyOf(grant)} (token ${grant.token})`;

function judgeHolders(evidence: Evidence): Verdict {
  const findings = new Findings('S5');
  const isTimed = !storeClockMoved(evidence);
  for (const life of evidence.lives) {
    for (const [earlier, later] of pairsOf(life)) {
      const end = endOf(evidence, earlier);
      const lines = [firstCall(earlier).end, firstCall(later).end];
      findings.expect(
        end.how !== 'none',
        () => `${nameOf(earlier)} was claimed again with token ${later.token} while its lease went on`,
        lines,
      );
      if (end.how !== 'crashed' || !isTimed) continue;
      const { endsAt, line } = leaseEndOf(evidence, earlier);
      findings.expect(
        later.claimedAt >= endsAt,
        () =>
          `${nameOf(earlier)} was taken ${Math.ceil(endsAt - later.claimedAt)} ms before its lease ran out`,
        [...lines, line, end.line],
      );
    }
  }
  return findings.verdict;
}

/** By real time over the whole store: a claim that began after another was answered has a higher token. */
function judgeTokens(evidence: Evidence): Verdict {
  const findings = new Findings('S6');
  for (const [one, other] of evidence.twins) {
    findings.expect(
      false,
      () => `token ${one.token} was given out twice, for ${keyOf(one)} and ${keyOf(other)}`,
      [firstCall(one).end, firstCall(other).end],
    );
  }
  for (const life of evidence.lives) {
    for (const [earlier, later] of pairsOf(life)) {
      findings.expect(
        later.claims > earlier.claims || mayBeForgotten(evidence, earlier),
        () =>
          `${nameOf(later)} has a higher token than claim ${earlier.claims}, but is claim ${later.claims}`,
        [firstCall(earlier).end, firstCall(later).end],
      );
    }
  }
  judgeOrder(evidence, findings);
  return findings.verdict;
}

function judgeOrder(evidence: Evidence, findings: Findings): void {
  const grants = [...evidence.grants.values()];
  const begun = (grant: Grant): Call => evidence.claims.get(grant.claim.claimId) ?? firstCall(grant);
  const begins = [...grants].sort(
    (one, other) => evidence.at(begun(one).begin) - evidence.at(begun(other).begin),
  );
  const ended = grants.filter((grant) => firstCall(grant).end !== null);
  const endOfCall = (grant: Grant): number => evidence.at(firstCall(grant).end ?? firstCall(grant).begin);
  ended.sort((one, other) => endOfCall(one) - endOfCall(other));
  let highest: Grant | null = null;
  let next = 0;
  for (const grant of begins) {
    const beganAt = evidence.at(begun(grant).begin) - evidence.toleranceMs;
    for (let other = ended[next]; other !== undefined && endOfCall(other) < beganAt; other = ended[++next]) {
      if (highest === null || other.token > highest.token) highest = other;
    }
    const earlier: Grant | null = highest;
    findings.expect(
      earlier === null || grant.token > earlier.token,
      () => `${nameOf(grant)} was claimed after token ${earlier?.token} had been given out`,
      [earlier === null ? null : firstCall(earlier).end, begun(grant).begin, firstCall(grant).end],
    );
  }
}

/** A call that was answered and proves that the lease with this token was over. */
function overSince(evidence: Evidence, grant: Grant, later: Grant | undefined): Call[] {
  const reclaimed = (evidence.reclaimed.get(grant.token) ?? []).map(({ call }) => call);
  return later === undefined ? reclaimed : [...reclaimed, firstCall(later)];
}

/** A settlement that was carried out already is answered as before. */
function isRepeated(evidence: Evidence, settled: Settled): boolean {
  return (evidence.settled.get(settled.settlement.token) ?? []).some(
    ({ call, outcome }) => call !== settled.call && (outcome === 'ok' || outcome === 'unknown'),
  );
}

function judgeLate(evidence: Evidence): Verdict {
  const findings = new Findings('S7');
  for (const life of evidence.lives) {
    for (const [index, grant] of life.entries()) {
      const over = overSince(evidence, grant, life[index + 1]);
      judgeWrites(evidence, grant, { over, findings });
      judgeOneEnd(evidence, grant, findings);
    }
  }
  return findings.verdict;
}

function judgeWrites(
  evidence: Evidence,
  grant: Grant,
  { over, findings }: { readonly over: readonly Call[]; readonly findings: Findings },
): void {
  const accepted = acceptedOf(evidence, grant.token);
  const overForWrites = accepted === null ? over : [...over, accepted.call];
  const late = (write: LeaseWrite): Call | undefined =>
    overForWrites.find((call) => isBefore(evidence, call, write.call));
  for (const write of evidence.writes.get(grant.token) ?? []) {
    const since = late(write);
    if (since === undefined) continue;
    findings.expect(
      write.outcome !== 'ok',
      () => `${write.op} of ${nameOf(grant)} was accepted after its lease was over`,
      [since.end, write.call.begin, write.call.end],
    );
  }
  for (const settled of evidence.settled.get(grant.token) ?? []) {
    const since = over.find((call) => isBefore(evidence, call, settled.call));
    if (since === undefined) continue;
    findings.expect(
      settled.outcome !== 'ok' || isRepeated(evidence, settled),
      () => `${nameOf(grant)} was settled (${settled.settlement.to}) after its lease was over`,
      [since.end, settled.call.begin, settled.call.end],
    );
  }
}

/** Whenever it happened: a lease is settled or taken back, never both. */
function judgeOneEnd(evidence: Evidence, grant: Grant, findings: Findings): void {
  const accepted = acceptedOf(evidence, grant.token);
  if (accepted === null) return;
  const reclaimed = evidence.reclaimed.get(grant.token)?.[0];
  const attempt = lastDump(evidence)?.attempts.get(grant.token);
  const crashed = reclaimed !== undefined || attempt?.outcome === 'crashed';
  findings.expect(!crashed, () => `${nameOf(grant)} was taken back, and its settlement accepted too`, [
    reclaimed?.call.end,
    accepted.call.end,
    reclaimed === undefined ? lastDump(evidence)?.call.end : null,
  ]);
}

export const holders: Check = {
  id: 'S5',
  promise: 'a job has one holder at a time: nobody else gets it before its lease ends',
  judge: judgeHolders,
};

export const tokens: Check = {
  id: 'S6',
  promise: 'fencing tokens rise with every claim, for ever',
  judge: judgeTokens,
};

export const lateWrites: Check = {
  id: 'S7',
  promise: 'a write that comes after the lease was lost changes nothing',
  judge: judgeLate,
};
