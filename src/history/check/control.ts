/** S18, S23 and S24: what people ordered is obeyed, and nothing is thrown away before its time. */

import { isTakenAway, whyPartial } from './adds.ts';
import { acceptedOf } from './ends.ts';
import {
  type Call,
  type Evidence,
  firstCall,
  type Grant,
  isBefore,
  keyOf,
  lastDump,
  type Move,
  storeClockMoved,
} from './evidence.ts';
import { push } from './push.ts';
import { type Check, Findings, type Verdict } from './report.ts';

const MAY_BE = ['ok', 'unknown'];

function pausesOf(moves: readonly Move[], paused: boolean): Move[] {
  return moves.filter(
    ({ effect, outcome }) =>
      effect.op === 'configure' && effect.patch.paused === paused && MAY_BE.includes(outcome),
  );
}

function judgePauses(evidence: Evidence): Verdict {
  const findings = new Findings('S18');
  const byQueue = new Map<string, Grant[]>();
  for (const grant of evidence.grants.values()) push(byQueue, grant.queue, grant);
  for (const [queue, moves] of evidence.queueMoves) {
    const [pauses, resumes] = [pausesOf(moves, true), pausesOf(moves, false)];
    for (const { call: pause } of pauses) {
      // One that may have come after the pause ends what is sure about it.
      const resume = resumes.find(({ call }) => !isBefore(evidence, call, pause))?.call ?? null;
      for (const grant of byQueue.get(queue) ?? []) {
        const began = evidence.claims.get(grant.claim.claimId) ?? firstCall(grant);
        if (!isBefore(evidence, pause, began)) continue;
        const isWithin = resume === null || isBefore(evidence, firstCall(grant), resume);
        findings.expect(
          !isWithin,
          () => `job ${keyOf(grant)} (token ${grant.token}) was claimed from a paused queue`,
          [pause.end, firstCall(grant).end],
        );
      }
    }
  }
  return findings.verdict;
}

function judgeCancels(evidence: Evidence): Verdict {
  const findings = new Findings('S23');
  for (const life of evidence.lives) {
    const [first] = life;
    if (first === undefined) continue;
    const moves = evidence.moves.get(keyOf(first)) ?? [];
    if (moves.some(({ effect }) => effect.op === 'redrive')) continue;
    const cancel = moves.find(({ effect, outcome }) => effect.op === 'cancel' && outcome === 'ok')?.call;
    if (cancel !== undefined) for (const grant of life) judgeCancelled(evidence, { grant, cancel }, findings);
  }
  return findings.verdict;
}

function judgeCancelled(
  evidence: Evidence,
  { grant, cancel }: { readonly grant: Grant; readonly cancel: Call },
  findings: Findings,
): void {
  const began = evidence.claims.get(grant.claim.claimId) ?? firstCall(grant);
  const name = `job ${keyOf(grant)} (token ${grant.token})`;
  findings.expect(
    !isBefore(evidence, cancel, began),
    () => `${name} was claimed after it had been cancelled`,
    [cancel.end, firstCall(grant).end],
  );
  for (const write of evidence.writes.get(grant.token) ?? []) {
    if (write.op !== 'renew' || write.outcome !== 'ok' || !isBefore(evidence, cancel, write.call)) continue;
    findings.expect(
      write.cancel,
      () => `the holder of ${name} renewed and was not told that it is cancelled`,
      [cancel.end, write.call.end],
    );
  }
}

function judgeRetention(evidence: Evidence): Verdict {
  const dump = lastDump(evidence);
  const partial = whyPartial(evidence);
  if (partial !== null) return { notMade: partial };
  if (dump === null) return { notMade: 'there is no dump of the store' };
  if (storeClockMoved(evidence)) return { notMade: 'the clock by which jobs are kept was moved' };
  const findings = new Findings('S24');
  const completed = new Map<string, Grant[]>();
  for (const grant of evidence.grants.values()) {
    const to = acceptedOf(evidence, grant.token)?.settlement.to;
    if (grant.settled === true || to === 'completed') push(completed, grant.queue, grant);
  }
  for (const [queue, grants] of completed) {
    const kept = dump.queues.get(queue)?.settings.retention.completed;
    if (kept === undefined || hasChanged(evidence, queue)) continue;
    const tooMany = kept.count !== null && grants.length > kept.count;
    for (const grant of grants) {
      if (tooMany || isTakenAway(evidence, grant) || hasOwnRule(evidence, grant)) continue;
      const end = acceptedOf(evidence, grant.token)?.call ?? firstCall(grant);
      const ageMs = evidence.at(dump.call.end ?? dump.call.begin) - evidence.at(end.begin);
      const isOld = kept.ageMs !== null && ageMs >= kept.ageMs;
      findings.expect(
        isOld || dump.jobs.has(keyOf(grant)),
        () => `completed job ${keyOf(grant)} was removed after ${Math.round(ageMs)} ms, before its time`,
        [end.end, dump.call.end],
      );
    }
  }
  return findings.verdict;
}

/** Retention that was changed on the way may have removed anything. */
function hasChanged(evidence: Evidence, queue: string): boolean {
  const set = (evidence.queueMoves.get(queue) ?? []).filter(
    ({ effect }) => effect.op === 'configure' && effect.patch.retention !== undefined,
  );
  return set.length > 1;
}

function hasOwnRule(evidence: Evidence, grant: Grant): boolean {
  const added = evidence.adds.get(keyOf(grant)) ?? [];
  return added.length === 0 || added.some(({ job }) => job.keepCompletedMs !== undefined);
}

export const pauses: Check = {
  id: 'S18',
  promise: 'nothing is claimed from a paused queue',
  judge: judgePauses,
};

export const cancels: Check = {
  id: 'S23',
  promise: 'a cancelled job is not claimed any more, and its holder is told by its next renewal',
  judge: judgeCancels,
};

export const retention: Check = {
  id: 'S24',
  promise: 'no completed job is removed before its time',
  judge: judgeRetention,
};
