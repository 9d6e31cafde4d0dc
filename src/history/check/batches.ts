/** S4 and S15: all of a call or nothing, and a call that is repeated makes nothing twice. */

import { isTakenAway, placesIn, whyPartial } from './adds.ts';
import { acceptedOf } from './ends.ts';
import { type Added, type Evidence, keyOf, lastDump } from './evidence.ts';
import { push } from './push.ts';
import { judgeClaims, judgeKept } from './repeats.ts';
import { type Check, Findings, type Verdict } from './report.ts';

/** A call and its repetitions are one. */
function byRequest(evidence: Evidence): ReadonlyMap<string, readonly Added[]> {
  const requests = new Map<string, Added[]>();
  for (const added of [...evidence.adds.values()].flat()) push(requests, requestOf(added), added);
  return requests;
}

function requestOf({ requestId, call }: Added): string {
  return requestId ?? `${call.begin.process} ${call.begin.seq}`;
}

function judgeBatches(evidence: Evidence): Verdict {
  const dump = lastDump(evidence);
  const partial = whyPartial(evidence);
  if (partial !== null) return { notMade: partial };
  if (dump === null) return { notMade: 'there is no dump of the store' };
  const findings = new Findings('S4');
  const places = placesIn(dump);
  const claimed = new Set([...evidence.grants.values()].map(keyOf));
  for (const [request, added] of byRequest(evidence)) {
    const own = added.filter(({ job, outcome }) => outcome !== 'refused' && isOnlyIn(evidence, job, request));
    const seen = own.filter(
      ({ job }) =>
        claimed.has(keyOf(job)) || places(job.queue, job.id).length > 0 || isTakenAway(evidence, job),
    );
    const [missing] = own.filter((one) => !seen.includes(one) && one.job.ttlMs === undefined);
    if (own.length < 2) continue;
    findings.expect(
      seen.length === 0 || missing === undefined,
      () => `of jobs added together ${seen.length} are there, and ${missing && keyOf(missing.job)} is not`,
      [missing?.call.begin, missing?.call.end, dump.call.end],
    );
  }
  return findings.verdict;
}

function isOnlyIn(evidence: Evidence, job: Added['job'], request: string): boolean {
  return (evidence.adds.get(keyOf(job)) ?? []).every((added) => requestOf(added) === request);
}

function judgeRepeats(evidence: Evidence): Verdict {
  const findings = new Findings('S15');
  for (const [key, added] of evidence.adds) {
    const created = new Map<string, Added>();
    for (const one of added) if (one.outcome === 'created') created.set(requestOf(one), one);
    const [first, second] = [...created.values()];
    if (first === undefined) continue;
    findings.expect(
      second === undefined || mayBeNew(evidence, first),
      () => `job ${key} was created twice, and nothing had taken it away`,
      [first.call.end, second?.call.end],
    );
  }
  for (const added of byRequest(evidence).values()) {
    const answered = added.filter(({ requestId, call }) => requestId !== null && call.end?.kind === 'ok');
    const answers = new Set(answered.map(({ call }) => JSON.stringify(call.end?.answer)));
    const [first, last] = [answered[0], answered.at(-1)];
    if (answers.size === 0) continue;
    findings.expect(answers.size === 1, () => `request ${first?.requestId} was answered in two ways`, [
      first?.call.end,
      last?.call.end,
    ]);
  }
  judgeClaims(evidence, findings);
  judgeKept(evidence, findings);
  return findings.verdict;
}

/** Its record was removed, or may have been once it had ended. */
function mayBeNew(evidence: Evidence, { job }: Added): boolean {
  if (isTakenAway(evidence, job)) return true;
  return [...evidence.grants.values()].some(
    (grant) => keyOf(grant) === keyOf(job) && acceptedOf(evidence, grant.token) !== null,
  );
}

export const batches: Check = {
  id: 'S4',
  promise: 'jobs that are added by one call are there all together or not at all',
  judge: judgeBatches,
};

export const repeats: Check = {
  id: 'S15',
  promise: 'a call that is repeated makes no second job and is answered as before',
  judge: judgeRepeats,
};
