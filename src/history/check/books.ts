/** A1 and A2: counts are what is there, and everything that is there belongs to something. */

import { JOB_STATES } from '../../job/record.ts';
import { type Dump, type Evidence, keyOf } from './evidence.ts';
import { push } from './push.ts';
import { type Check, Findings, type Verdict } from './report.ts';

function judgeBooks(evidence: Evidence): Verdict {
  const verified = evidence.calls.filter(({ begin, end }) => begin.op === 'verify' && end?.kind === 'ok');
  if (evidence.dumps.length + verified.length === 0)
    return { notMade: 'there is neither a dump nor a recount' };
  const findings = new Findings('A1');
  for (const dump of evidence.dumps) recount(dump, findings);
  for (const { begin, end } of verified) {
    const found = end?.answer as readonly string[];
    findings.expect(found.length === 0, () => `the store finds itself wrong: ${found.join(', ')}`, [
      begin,
      end,
    ]);
  }
  return findings.verdict;
}

function recount(dump: Dump, findings: Findings): void {
  const jobs = new Map<string, string[]>();
  for (const { queue, state } of dump.jobs.values()) push(jobs, queue, state);
  for (const [queue, { counts, totals }] of dump.queues) {
    const states = jobs.get(queue) ?? [];
    for (const state of JOB_STATES) {
      const actual = states.filter((one) => one === state).length;
      findings.expect(
        counts[state] === actual,
        () => `queue ${queue} counts ${counts[state]} jobs as ${state} and has ${actual}`,
        [dump.call.end],
      );
    }
    findings.expect(
      states.length === totals.added - totals.removed,
      () => `queue ${queue} has ${states.length} jobs; ${totals.added} were added, ${totals.removed} removed`,
      [dump.call.end],
    );
  }
}

function judgeOrphans(evidence: Evidence): Verdict {
  if (evidence.dumps.length === 0) return { notMade: 'there is no dump of the store' };
  const findings = new Findings('A2');
  for (const dump of evidence.dumps) {
    const line = [dump.call.end];
    const leases = new Map(dump.leases.map((lease) => [keyOf(lease), lease]));
    for (const [key, job] of dump.jobs) {
      const lease = leases.get(key);
      const matches = job.state === 'active' ? lease?.token === job.token : lease === undefined;
      findings.expect(matches, () => `job ${key} is ${job.state} and has ${lease ? 'a' : 'no'} lease`, line);
    }
    const parts = [...dump.leases, ...dump.attempts.values(), ...dump.logs];
    for (const part of parts) {
      findings.expect(
        dump.jobs.has(keyOf(part)),
        () => `something is kept of job ${keyOf(part)}, which is gone`,
        line,
      );
    }
  }
  return findings.verdict;
}

export const books: Check = {
  id: 'A1',
  promise: 'counts are those of the jobs that are there, and jobs are those added less those removed',
  judge: judgeBooks,
};

export const orphans: Check = {
  id: 'A2',
  promise: 'every lease, attempt and log line belongs to a job, and every active job has its lease',
  judge: judgeOrphans,
};
