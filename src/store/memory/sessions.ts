import type { LeaseRef } from '../../job/record.ts';
import type { BeatResult, Session, SessionRecord } from '../store.ts';
import { own } from './own.ts';
import { release } from './settle.ts';
import type { State } from './state.ts';
import type { Step } from './step.ts';

export function beat(step: Step, sessions: readonly Session[]): BeatResult[] {
  return sessions.map((session) => beatOne(step, session));
}

function beatOne({ state, nowMs }: Step, session: Session): BeatResult {
  const { ttlMs, ...shown } = own(session);
  const known = state.sessions.get(session.id);
  const startedAt = known?.startedAt ?? nowMs;
  state.sessions.set(session.id, { ...shown, startedAt, seenAt: nowMs, expiresAt: nowMs + ttlMs });
  return { outcome: known !== undefined && known.expiresAt > nowMs ? 'kept' : 'begun' };
}

/**
 * Answers how many leases were handed back. `settledToken` stays as it was, so that the late worker is told that it
 * was superseded.
 */
export function endSession(step: Step, id: string): number {
  const held = [...step.state.leased.values()].filter((job) => job.lease?.worker === id);
  for (const job of held) release(step, job, { afterMs: 0 });
  step.state.sessions.delete(id);
  return held.length;
}

export function sessions(state: State, nowMs: number): SessionRecord[] {
  return [...state.sessions.values()]
    .filter((session) => session.expiresAt > nowMs)
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}

/** By token: active jobs stand in the order of their claims. */
export function leases(state: State, session: string): LeaseRef[] {
  return [...state.leased.values()]
    .filter(({ lease }) => lease?.worker === session)
    .map(({ record: { queue, id, token } }) => ({ queue, id, token }));
}
