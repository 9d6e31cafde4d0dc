/** A3 and A4: what is removed leaves nothing behind, and every claim is on record. */

import { whyPartial } from './adds.ts';
import { type Evidence, firstCall, keyOf, lastDump, lineBefore, type Move } from './evidence.ts';
import { push } from './push.ts';
import { type Check, Findings, type Verdict } from './report.ts';

/** Attempts that a store keeps of one job; older ones are forgotten. */
const KEPT_ATTEMPTS = 1_000;

function judgeLeaks(evidence: Evidence): Verdict {
  const dump = lastDump(evidence);
  const partial = whyPartial(evidence);
  if (partial !== null) return { notMade: partial };
  if (dump === null) return { notMade: 'there is no dump of the store' };
  const findings = new Findings('A3');
  const keys = [...dump.jobs.values(), ...dump.attempts.values(), ...dump.leases, ...dump.logs];
  for (const [queue, moves] of evidence.queueMoves) {
    const last = moves.findLast(({ effect, more }) => effect.op === 'obliterate' && more === false);
    if (last === undefined || isMadeAnew(evidence, queue, last)) continue;
    const left = keys.filter((row) => row.queue === queue).length + (dump.queues.has(queue) ? 1 : 0);
    findings.expect(left === 0, () => `queue ${queue} was obliterated, and ${left} records of it are left`, [
      last.call.end,
      dump.call.end,
    ]);
  }
  return findings.verdict;
}

function isMadeAnew(evidence: Evidence, queue: string, { call }: Move): boolean {
  const { end } = call;
  if (end === null) return true;
  return evidence.calls.some(
    ({ begin, end: answered }) =>
      (begin.op === 'apply' || begin.op === 'commit') &&
      begin !== call.begin &&
      (answered === null || !lineBefore(evidence, answered, call.begin)) &&
      JSON.stringify(begin.args).includes(JSON.stringify(queue)),
  );
}

function judgeRecords(evidence: Evidence): Verdict {
  const dump = lastDump(evidence);
  if (dump === null) return { notMade: 'there is no dump of the store' };
  const findings = new Findings('A4');
  const attempts = new Map<string, number[]>();
  for (const attempt of dump.attempts.values()) push(attempts, keyOf(attempt), attempt.token);
  for (const [key, job] of dump.jobs) {
    const recorded = (attempts.get(key) ?? []).length + (job.state === 'active' ? 1 : 0);
    findings.expect(
      recorded === job.claims || job.claims > KEPT_ATTEMPTS,
      () => `job ${key} was claimed ${job.claims} times, and ${recorded} attempts are on record`,
      [dump.call.end],
    );
  }
  if (whyPartial(evidence) !== null) return findings.verdict;
  for (const [token, [run]] of evidence.runs) {
    const grant = evidence.grants.get(token);
    findings.expect(grant !== undefined, () => `token ${token} was run and never claimed`, [
      run?.start,
      grant === undefined ? null : firstCall(grant).end,
    ]);
  }
  return findings.verdict;
}

export const leaks: Check = {
  id: 'A3',
  promise: 'a queue that was obliterated leaves nothing behind',
  judge: judgeLeaks,
};

export const records: Check = {
  id: 'A4',
  promise: 'every claim is an attempt on record, and every run was claimed',
  judge: judgeRecords,
};
