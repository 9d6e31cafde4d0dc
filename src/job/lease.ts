import type { StoredError } from './record.ts';

/** What a worker gets after the job's `timeoutMs` to settle the attempt before its lease ends for good. */
const DEADLINE_GRACE_MS = 5_000;

export interface LeaseTimes {
  /** Own end of the lease; null when it is bound to the session of its worker. */
  readonly expiresAt: number | null;
  readonly deadlineAt: number | null;
}

export function deadlineOf(timeoutMs: number | null, nowMs: number): number | null {
  return timeoutMs === null ? null : nowMs + timeoutMs + DEADLINE_GRACE_MS;
}

/** End of a lease taken or renewed now; it never outlives the deadline. */
export function leaseEnd(leaseMs: number, deadlineAt: number | null, nowMs: number): number {
  return deadlineAt === null ? nowMs + leaseMs : Math.min(nowMs + leaseMs, deadlineAt);
}

/** `sessionExpiresAt`: null when the session is unknown; looked at only for leases bound to it. */
export function isPastDue(lease: LeaseTimes, sessionExpiresAt: number | null, nowMs: number): boolean {
  if (lease.deadlineAt !== null && lease.deadlineAt <= nowMs) return true;
  const endsAt = lease.expiresAt ?? sessionExpiresAt;
  return endsAt === null || endsAt <= nowMs;
}

/** Where sessions are short, a beat is as long on the way as where they are long. */
const MIN_SUSPICION_MS = 1_000;
/** Sessions that live for long beat as often as those of half a minute. */
const MAX_SUSPICION_MS = 3_000;

/**
 * How old a suspicion must be before a lease that is bound to a session is taken back: a tenth of the session's time
 * to live, or a second where that is more, but no more than half of it, and three seconds at most. Who holds leases
 * beats twelve times in that time, and every 2.5 seconds at least, so after a jump of the store's clock every worker that lives has shown itself, however often upkeep looks.
 */
export function suspicionMs(session: { readonly seenAt: number; readonly expiresAt: number } | null): number {
  if (session === null) return 0;
  const ttlMs = session.expiresAt - session.seenAt;
  const ms = Math.max(ttlMs / 10, Math.min(ttlMs / 2, MIN_SUSPICION_MS));
  return Math.ceil(Math.min(ms, MAX_SUSPICION_MS));
}

/** What the record of a crashed attempt says. */
export const LEASE_EXPIRED: StoredError = Object.freeze({
  name: 'LeaseExpired',
  message: 'the lease ran out: the worker crashed, hung, or could not reach the store',
  stack: null,
  code: null,
  fingerprint: 'lease-expired',
});

/**
 * Whether the leader need not write its lease down again: idle upkeep comes once a second, and each write would be
 * a flush to disk. Never longer than what was asked for: the clock may have gone back.
 */
export function isLongEnough(leftMs: number, leaseMs: number): boolean {
  return leftMs > leaseMs / 2 && leftMs <= leaseMs;
}
