import type { HistoryLine } from '../line.ts';
import { type Call, type Evidence, firstCall, type Grant, type LeaseWrite } from './evidence.ts';

/** What a worker gets after its job's timeout, by the store's contract. */
const TIMEOUT_GRACE_MS = 5_000;
/** Two clocks of one machine may run apart by this much, where one had to be reckoned from the other. */
const DRIFT = 0.001;
const ROUNDING_MS = 5;

export interface LeaseEnd {
  /** The lease ran until then at least, by the store's clock. */
  readonly endsAt: number;
  /** The call that prolonged it last. */
  readonly line: HistoryLine | null;
}

/**
 * The store tells when a job was claimed. When a renewal was carried out it does not tell, but not before it was
 * asked for: so much later than the answer to the claim, at least, by the clock that processes share.
 */
export function leaseEndOf(evidence: Evidence, grant: Grant): LeaseEnd {
  const { leaseMs, worker } = grant.claim;
  const end = leaseMs === null ? sessionEnd(evidence, grant, worker) : ownEnd(evidence, grant, leaseMs);
  const deadlineAt =
    grant.timeoutMs === undefined
      ? Number.POSITIVE_INFINITY
      : grant.claimedAt + grant.timeoutMs + TIMEOUT_GRACE_MS;
  return { ...end, endsAt: Math.min(end.endsAt, deadlineAt) };
}

function ownEnd(evidence: Evidence, grant: Grant, leaseMs: number): LeaseEnd {
  const renewals = (evidence.writes.get(grant.token) ?? []).filter(({ op }) => op === 'renew');
  const last = renewals.findLastIndex(({ outcome }) => outcome === 'ok');
  // One whose answer is missing may have been the last word, and may have set an earlier end.
  const possible = renewals
    .slice(Math.max(0, last))
    .filter(({ outcome }) => ['ok', 'unknown'].includes(outcome));
  const claimed = { endsAt: grant.claimedAt + leaseMs, line: null };
  const ends = possible.map((renewal) => endAfter(evidence, grant, renewal));
  if (last < 0) ends.push(claimed);
  return ends.reduce((least, end) => (end.endsAt < least.endsAt ? end : least));
}

function endAfter(evidence: Evidence, grant: Grant, renewal: LeaseWrite): LeaseEnd {
  return { endsAt: reckon(evidence, grant, renewal.call) + (renewal.leaseMs ?? 0), line: renewal.call.begin };
}

/**
 * Bound to the session: it lives until the last beat is over of those that followed each other in time. A session that
 * began anew after the claim had been over, and the lease may have been taken then. Beats that were not answered count
 * for none, and those of a store's own thread are not in the history: it may have lived for longer.
 */
function sessionEnd(evidence: Evidence, grant: Grant, worker: string): LeaseEnd {
  const { at } = evidence;
  // Not when it was answered: a process that stood still meanwhile hears of it when its session is long over.
  const claimedAt = at(firstCall(grant).begin);
  const beats = (evidence.beats.get(worker) ?? []).filter(({ end }) => end?.kind === 'ok');
  const isBroken = (beat: Call, index: number): boolean => {
    const before = beats[index - 1];
    const isLate = before !== undefined && at(beat.begin) > at(before.begin) + ttlOf(before, worker);
    return at(beat.begin) > claimedAt && (isLate || outcomeOf(beat, worker) !== 'kept');
  };
  const broken = beats.findIndex(isBroken);
  const last = beats.slice(0, broken < 0 ? beats.length : broken).at(-1);
  if (last === undefined) return { endsAt: grant.claimedAt, line: null };
  const ended = givenUp(evidence, grant);
  if (ended !== undefined) return { endsAt: reckon(evidence, grant, ended.call), line: ended.call.begin };
  return { endsAt: reckon(evidence, grant, last) + ttlOf(last, worker), line: last.begin };
}

/** A renewal by no time ends a lease that is bound to a session, too. */
function givenUp(evidence: Evidence, grant: Grant): LeaseWrite | undefined {
  const renewals = (evidence.writes.get(grant.token) ?? []).filter(({ op }) => op === 'renew');
  return renewals.find(({ leaseMs, outcome }) => leaseMs === 0 && ['ok', 'unknown'].includes(outcome));
}

function ttlOf(beat: Call, worker: string): number {
  return sessionsOf(beat).find(({ id }) => id === worker)?.ttlMs ?? 0;
}

function sessionsOf({ begin }: Call): readonly { readonly id: string; readonly ttlMs: number }[] {
  return begin.args as readonly { readonly id: string; readonly ttlMs: number }[];
}

function outcomeOf(beat: Call, worker: string): string | undefined {
  const index = sessionsOf(beat).findIndex(({ id }) => id === worker);
  return (beat.end?.answer as readonly string[] | undefined)?.[index];
}

/** A time of the store's clock at which `call` had not been carried out yet. */
function reckon(evidence: Evidence, grant: Grant, call: Call): number {
  const claimed = firstCall(grant);
  const passedMs = evidence.at(call.begin) - evidence.at(claimed.end ?? claimed.begin);
  return grant.claimedAt + passedMs - ROUNDING_MS - Math.abs(passedMs) * DRIFT;
}
