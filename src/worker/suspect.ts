/**
 * A process that dies gives each job that it had a crash. After the second nobody can say any more that it was
 * chance, and nobody can say yet which job of the two processes it was: from here on each runs alone.
 */
const SUSPECT_CRASHES = 2;

/** Whether the job may be what ended the processes that ran it. */
export function isSuspect({ crashes }: { readonly crashes: number }): boolean {
  return crashes >= SUSPECT_CRASHES;
}

/**
 * How long a suspect may keep its process for itself: twice as long with every crash, so that one that ends its
 * process late is found out, too, and the others are held up the less the less there is to suspect.
 */
export function aloneMs({ crashes }: { readonly crashes: number }, leaseMs: number): number {
  return leaseMs * 2 ** Math.max(0, crashes - SUSPECT_CRASHES);
}

/** A suspect that had a child of its own, and whose worker died beside it once and again, gets that one alone, too. */
export function needsProcess({ crashes }: { readonly crashes: number }): boolean {
  return crashes >= 2 * SUSPECT_CRASHES;
}
