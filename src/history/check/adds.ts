/** S1 to S3: what was acknowledged is there, what is there was asked for, what was refused is not there. */

import type { JobName } from '../line.ts';
import { acceptedOf } from './ends.ts';
import { type Added, type Dump, type Evidence, type Grant, keyOf, lastDump, lineBefore } from './evidence.ts';
import { push } from './push.ts';
import { type Check, Findings, type Verdict } from './report.ts';

const ENDS: readonly string[] = ['completed', 'failed', 'cancelled'];
/** No history that is dumped is longer than this; jobs that are kept for less may be gone. */
const DAY_MS = 86_400_000;
const MAY_BE = ['ok', 'unknown'];

/** Why nothing can be said about all jobs; null when it can. */
export function whyPartial({ scope, isCut }: Evidence): string | null {
  if (isCut) return 'lines of the history are missing';
  if (scope.complete !== true) return 'nobody vouches that every process wrote a history (see --complete)';
  return null;
}

/** Where a job stands in a dump: under its own name, and under that of a queue to which it moved. */
export function placesIn(dump: Dump): (queue: string, id: string) => readonly string[] {
  const places = new Map<string, string[]>();
  for (const [key, job] of dump.jobs) {
    push(places, key, key);
    if (job.from !== null) push(places, keyOf({ queue: job.from, id: job.id }), key);
  }
  return (queue, id) => places.get(keyOf({ queue, id })) ?? [];
}

function grantsByName(evidence: Evidence): ReadonlyMap<string, readonly Grant[]> {
  const named = new Map<string, Grant[]>();
  for (const life of evidence.lives) {
    for (const name of new Set(life.flatMap(namesOf))) for (const grant of life) push(named, name, grant);
  }
  return named;
}

function namesOf({ queue, id, from }: Grant): string[] {
  return from === undefined ? [keyOf({ queue, id })] : [keyOf({ queue, id }), keyOf({ queue: from, id })];
}

/** Whether somebody took the job away on purpose, or may have, or its end makes it a matter of retention. */
function mayBeGone(evidence: Evidence, added: readonly Added[], grants: readonly Grant[]): boolean {
  const [first] = added;
  if (first === undefined) return false;
  if (added.some(({ job }) => job.ttlMs !== undefined) || isTakenAway(evidence, first.job)) return true;
  return grants.some((grant) => hasEnded(evidence, grant));
}

/** By name, in whatever queue it was then, with its queue, or by a bulk action. */
export function isTakenAway(evidence: Evidence, job: JobName): boolean {
  const moved = (evidence.movesById.get(job.id) ?? []).filter(({ outcome }) => MAY_BE.includes(outcome));
  if (moved.some(({ effect }) => ['discard', 'cancel', 'redrive'].includes(effect.op))) return true;
  const swept = evidence.queueMoves.get(job.queue) ?? [];
  if (swept.some(({ effect }) => effect.op === 'drain' || effect.op === 'obliterate')) return true;
  const operations = evidence.queueMoves.get('*') ?? [];
  return operations.some(({ effect }) => effect.op === 'start-operation');
}

/** The same of a dead letter, which retention may have taken, too. */
export function mayBeGoneByHand(evidence: Evidence, grant: Grant, dump: Dump): boolean {
  const settings = dump.queues.get(grant.queue)?.settings;
  const retention = settings?.retention.failed;
  const keeps = (evidence.adds.get(keyOf(grant)) ?? []).some(({ job }) => job.keepFailedMs !== undefined);
  const isBounded =
    settings === undefined || retention?.count !== null || (retention?.ageMs ?? DAY_MS) < DAY_MS;
  return isTakenAway(evidence, grant) || keeps || isBounded;
}

function hasEnded(evidence: Evidence, { token, settled }: Grant): boolean {
  if (settled === true) return true;
  const accepted = acceptedOf(evidence, token);
  if (accepted !== null && ENDS.includes(accepted.settlement.to)) return true;
  const unknown = evidence.settled
    .get(token)
    ?.some(({ outcome, settlement }) => outcome === 'unknown' && ENDS.includes(settlement.to));
  return (
    unknown === true || evidence.reclaimed.get(token)?.some(({ state }) => ENDS.includes(state)) === true
  );
}

function judgeLost(evidence: Evidence): Verdict {
  const dump = lastDump(evidence);
  const partial = whyPartial(evidence);
  if (partial !== null) return { notMade: partial };
  if (dump === null) return { notMade: 'there is no dump of the store to look for the jobs in' };
  const findings = new Findings('S1');
  const places = placesIn(dump);
  const grants = grantsByName(evidence);
  for (const [key, added] of evidence.adds) {
    const sure = added.find(
      ({ outcome, call }) =>
        ['created', 'duplicate', 'acknowledged'].includes(outcome) &&
        call.end !== null &&
        lineBefore(evidence, call.end, dump.call.begin),
    );
    if (sure === undefined) continue;
    const isThere = places(sure.job.queue, sure.job.id).length > 0;
    findings.expect(
      isThere || mayBeGone(evidence, added, grants.get(key) ?? []),
      () => `job ${key} was acknowledged and is gone, and nothing took it away`,
      [sure.call.begin, sure.call.end, dump.call.end],
    );
  }
  return findings.verdict;
}

/** Bodies that a job of this name may have, by all that was asked for. */
function bodiesOf(evidence: Evidence, names: readonly string[]): Set<string> {
  const added = names.flatMap((name) => evidence.adds.get(name) ?? []);
  const made = added.filter(({ outcome }) => ['created', 'acknowledged', 'unknown'].includes(outcome));
  const found = added.filter(({ outcome }) => outcome === 'duplicate');
  const bodies = new Set((made.length > 0 ? made : found).map(({ job }) => job.body));
  for (const { effect, outcome } of names.flatMap((name) => evidence.moves.get(name) ?? [])) {
    if (effect.op === 'data' && MAY_BE.includes(outcome)) bodies.add(effect.body);
  }
  return bodies;
}

export function bodiesFor(evidence: Evidence, grant: Grant): ReadonlySet<string> {
  return bodiesOf(evidence, namesOf(grant));
}

function judgePhantoms(evidence: Evidence): Verdict {
  const partial = whyPartial(evidence);
  if (partial !== null) return { notMade: partial };
  const findings = new Findings('S2');
  for (const life of evidence.lives) {
    const bodies = bodiesOf(evidence, [...new Set(life.flatMap(namesOf))]);
    for (const grant of life) {
      const what =
        bodies.size === 0 ? 'was claimed and nobody had added it' : 'was claimed with another body';
      const line = grant.calls[0]?.end;
      findings.expect(bodies.has(grant.body), () => `job ${keyOf(grant)} (token ${grant.token}) ${what}`, [
        line,
      ]);
    }
  }
  const dump = lastDump(evidence);
  for (const [key, job] of dump?.jobs ?? []) {
    const names = job.from === null ? [key] : [key, keyOf({ queue: job.from, id: job.id })];
    const bodies = bodiesOf(evidence, names);
    // Of a job that moved twice only the latest place it came from is known.
    if (bodies.size === 0 && job.from !== null) continue;
    const what = bodies.size === 0 ? 'and nobody had added it' : 'with another body than it was given';
    findings.expect(bodies.has(job.body), () => `job ${key} stands in the store ${what}`, [dump?.call.end]);
  }
  return findings.verdict;
}

function judgeRefused(evidence: Evidence): Verdict {
  const findings = new Findings('S3');
  const dump = lastDump(evidence);
  const grants = grantsByName(evidence);
  for (const [key, added] of evidence.adds) {
    const refused = added.find(({ outcome }) => outcome === 'refused');
    if (refused === undefined || added.some(({ outcome }) => outcome !== 'refused')) continue;
    const seen = grants.get(key)?.[0];
    const isThere = dump?.jobs.has(key) === true && evidence.scope.complete === true;
    findings.expect(
      (seen === undefined || evidence.scope.complete !== true) && !isThere,
      () => `adding job ${key} was refused, and it is there all the same`,
      [refused.call.begin, refused.call.end, seen?.calls[0]?.end, isThere ? dump?.call.end : null],
    );
  }
  return findings.verdict;
}

export const lost: Check = {
  id: 'S1',
  promise: 'a job whose adding was acknowledged is never lost',
  judge: judgeLost,
};

export const phantoms: Check = {
  id: 'S2',
  promise: 'no job comes from nowhere, and no body changes by itself',
  judge: judgePhantoms,
};

export const refused: Check = {
  id: 'S3',
  promise: 'a job whose adding was refused is never seen',
  judge: judgeRefused,
};
