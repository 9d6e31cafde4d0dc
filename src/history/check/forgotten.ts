import { type Evidence, firstCall, type Grant } from './evidence.ts';

/** How long an answered claim may take to be safe from the end of a server. */
const UNSAFE_MS = 3_000;

/**
 * Whether the store may have forgotten this claim: it was answered before it was on the disk, and then the server's
 * machine ended. The job waits as if nobody had claimed it, and whoever holds it will be refused.
 */
export function mayBeForgotten({ faults, at, settled }: Evidence, grant: Grant): boolean {
  if (settled.get(grant.token)?.some(({ outcome }) => outcome === 'ok') === true) return false;
  const call = firstCall(grant);
  const answeredAt = at(call.end ?? call.begin);
  return faults.some(
    ({ forgets, begin, end }) =>
      forgets === 'claims' &&
      answeredAt >= at(begin) - UNSAFE_MS &&
      at(call.begin) <= at(end ?? begin) + UNSAFE_MS,
  );
}
