/** S19: what fails for good is kept, in one place, with all that happened to it. */

import { bodiesFor, mayBeGoneByHand, placesIn, whyPartial } from './adds.ts';
import { acceptedOf } from './ends.ts';
import { type Dump, type Evidence, firstCall, type Grant, keyOf, lastDump, lineBefore } from './evidence.ts';
import { type Check, Findings, type Verdict } from './report.ts';

/** Attempts that a store keeps of one job; older ones are forgotten. */
const KEPT_ATTEMPTS = 1_000;

function judgeDeadLetters(evidence: Evidence): Verdict {
  const dump = lastDump(evidence);
  const partial = whyPartial(evidence);
  if (partial !== null) return { notMade: partial };
  if (dump === null) return { notMade: 'there is no dump of the store to look for the dead letters in' };
  const findings = new Findings('S19');
  const places = placesIn(dump);
  for (const life of evidence.lives) {
    const last = life.at(-1);
    if (last === undefined || !hasFailed(evidence, last, dump)) continue;
    judgePlace(evidence, { grant: last, dump, found: places(last.queue, last.id) }, findings);
    judgeRecords(evidence, { life, dump }, findings);
  }
  return findings.verdict;
}

function hasFailed(evidence: Evidence, grant: Grant, dump: Dump): boolean {
  const settled = acceptedOf(evidence, grant.token);
  const failed = settled?.settlement.to === 'failed' ? settled.call : null;
  const crashed = evidence.reclaimed.get(grant.token)?.find(({ state }) => state === 'failed')?.call;
  const end = failed?.end ?? crashed?.end ?? null;
  return end !== null && lineBefore(evidence, end, dump.call.begin);
}

interface Letter {
  readonly grant: Grant;
  readonly dump: Dump;
  readonly found: readonly string[];
}

function judgePlace(evidence: Evidence, { grant, dump, found }: Letter, findings: Findings): void {
  const lines = [acceptedOf(evidence, grant.token)?.call.end, firstCall(grant).end, dump.call.end];
  const name = `dead letter ${keyOf(grant)} (token ${grant.token})`;
  // The same name may have been given again in the old queue.
  const own = found.filter((place) => dump.jobs.get(place)?.addedAt === grant.addedAt);
  const isGone = own.length === 0 && mayBeGoneByHand(evidence, grant, dump);
  findings.expect(own.length === 1 || isGone, () => `${name} stands in ${own.length} places`, lines);
  const bodies = bodiesFor(evidence, grant);
  for (const place of own) {
    const job = dump.jobs.get(place);
    findings.expect(
      job !== undefined && (job.body === grant.body || bodies.has(job.body)),
      () => `${name} has another body than the job had`,
      lines,
    );
    findings.expect(job?.hasError === true, () => `${name} has no error`, lines);
  }
}

interface Kept {
  readonly life: readonly Grant[];
  readonly dump: Dump;
}

function judgeRecords(evidence: Evidence, { life, dump }: Kept, findings: Findings): void {
  const last = life.at(-1);
  if (last === undefined || last.claims > KEPT_ATTEMPTS) return;
  if (mayBeGoneByHand(evidence, last, dump)) return;
  for (const grant of life) {
    const attempt = dump.attempts.get(grant.token);
    const name = `attempt ${grant.claims} of dead letter ${keyOf(grant)} (token ${grant.token})`;
    const lines = [firstCall(grant).end, dump.call.end];
    findings.expect(attempt !== undefined, () => `${name} is not on record`, lines);
    const mustSay = attempt !== undefined && ['failed', 'retried', 'crashed'].includes(attempt.outcome);
    if (mustSay) findings.expect(attempt.hasError, () => `${name} is on record without its error`, lines);
  }
}

export const deadLetters: Check = {
  id: 'S19',
  promise: 'a dead letter is kept exactly once, with its body, its error and every attempt',
  judge: judgeDeadLetters,
};
