/** L1 to L5: after the last fault everything comes to its end, and nothing waits for ever. */

import { type Evidence, firstCall, isBefore, keyOf, lastDump } from './evidence.ts';
import { recoveriesOf } from './recovery.ts';
import { type Check, Findings, type Verdict } from './report.ts';

const OPEN: readonly string[] = ['waiting', 'delayed', 'blocked', 'active', 'parked'];

function judgeRest(evidence: Evidence): Verdict {
  const dump = lastDump(evidence);
  if (dump === null) return { notMade: 'there is no dump of the store' };
  if (evidence.scope.rested !== true)
    return { notMade: 'nobody says that all was given time to come to rest' };
  const findings = new Findings('L1');
  const endedAt = (dump.call.end ?? dump.call.begin).wall;
  for (const [key, { state, queue, dueAt }] of dump.jobs) {
    const waits = dump.queues.get(queue)?.settings.paused === true || (dueAt !== null && dueAt > endedAt);
    findings.expect(!OPEN.includes(state) || waits, () => `job ${key} is ${state} still`, [dump.call.end]);
  }
  return findings.verdict;
}

function judgeRecovery(evidence: Evidence): Verdict {
  const { recoveryMs } = evidence.scope;
  if (recoveryMs === undefined)
    return { notMade: 'nobody says how long recovery may take; it is only measured' };
  const findings = new Findings('L2');
  for (const { earlier, later, tookMs } of recoveriesOf(evidence)) {
    findings.expect(
      tookMs <= recoveryMs,
      () =>
        `job ${keyOf(earlier)} waited ${Math.round(tookMs)} ms for its next claim after its worker had died`,
      [firstCall(earlier).end, firstCall(later).end],
    );
  }
  return findings.verdict;
}

/** By the store's own times; the first claim of a job, since a retry may be ready long before a slot is. */
function judgeWaits(check: 'L3' | 'L5', evidence: Evidence, waitMs: number): Verdict {
  const findings = new Findings(check);
  for (const [grant] of evidence.lives) {
    if (grant === undefined || grant.claims !== 1 || grant.readyAt === null) continue;
    const waitedMs = grant.claimedAt - grant.readyAt;
    findings.expect(
      waitedMs <= waitMs,
      () => `job ${keyOf(grant)} waited ${waitedMs} ms for its first claim`,
      [firstCall(grant).end],
    );
  }
  return findings.verdict;
}

function judgeClosing(evidence: Evidence): Verdict {
  const findings = new Findings('L4');
  for (const grant of evidence.grants.values()) {
    const ended = evidence.endings.get(grant.claim.worker)?.[0];
    if (ended === undefined || ended.end?.kind !== 'ok' || isBefore(evidence, ended, firstCall(grant)))
      continue;
    const reclaimed = evidence.reclaimed
      .get(grant.token)
      ?.find(({ call }) => isBefore(evidence, ended, call));
    findings.expect(
      reclaimed === undefined,
      () =>
        `the worker of job ${keyOf(grant)} (token ${grant.token}) ended in good order and left its lease behind`,
      [ended.end, reclaimed?.call.end],
    );
  }
  return findings.verdict;
}

export const rest: Check = {
  id: 'L1',
  promise: 'after the last fault every job comes to its end',
  judge: judgeRest,
};

export const recovery: Check = {
  id: 'L2',
  promise: 'the jobs of a dead worker are claimed again in a bounded time',
  judge: judgeRecovery,
};

export const waits: Check = {
  id: 'L3',
  promise: 'no job waits for ever',
  judge: (evidence) => {
    const { waitMs } = evidence.scope;
    return waitMs === undefined
      ? { notMade: 'nobody says how long a job may wait' }
      : judgeWaits('L3', evidence, waitMs);
  },
};

export const closing: Check = {
  id: 'L4',
  promise: 'a worker that ends in good order leaves no lease behind',
  judge: judgeClosing,
};

export const wakeUps: Check = {
  id: 'L5',
  promise: 'a worker that hears nothing finds its jobs all the same',
  judge: (evidence) => {
    const { waitMs, deaf } = evidence.scope;
    return deaf !== true || waitMs === undefined
      ? { notMade: 'no hints were withheld here' }
      : judgeWaits('L5', evidence, waitMs);
  },
};
