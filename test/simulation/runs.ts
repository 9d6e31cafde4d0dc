import type { LeaseRef } from '../../src/job/record.ts';
import type { SimProcess } from './sim-process.ts';
import type { Timeline } from './timeline.ts';

interface Run {
  readonly process: SimProcess;
  readonly lease: LeaseRef;
  readonly sinceMs: number;
}

/**
 * Which processors run now, and are not told to stop: of one job there is one at most. Only who sees into the
 * processes can judge this, so it is done here and not from the histories.
 */
export class Runs {
  readonly twice: string[] = [];
  readonly leaseMs: number;
  storeJumpedAtMs: number = Number.NEGATIVE_INFINITY;
  readonly #timeline: Timeline;
  readonly #now: Map<string, Set<Run>> = new Map();

  constructor(timeline: Timeline, leaseMs: number) {
    this.#timeline = timeline;
    this.leaseMs = leaseMs;
  }

  /** Answers how to say that it is over, or told to stop. */
  begin(process: SimProcess, lease: LeaseRef): () => void {
    const run = { process, lease, sinceMs: this.#timeline.nowMs };
    const others = this.#now.get(lease.id) ?? new Set<Run>();
    // A machine that slept does not know for how long; until its next renewal it takes an old claim for a new one.
    const isDazed = process.suspendedAtMs > this.#timeline.nowMs - process.pausedMs - this.leaseMs;
    for (const other of others) if (!isDazed && this.#isLive(other)) this.#report(other, run);
    others.add(run);
    this.#now.set(lease.id, others);
    return () => others.delete(run);
  }

  /** One that stands still does nothing; one that has just woken up, or slept without knowing, cannot know yet. */
  #isLive({ process, sinceMs }: Run): boolean {
    const { isAlive, isPaused, resumedAtMs, suspendedAtMs, troubledAtMs } = process;
    if (!isAlive || isPaused || resumedAtMs >= this.#timeline.nowMs || suspendedAtMs >= sinceMs) return false;
    // The store's clock took the lease, and no renewal came through to win it back: two faults at once.
    const jumped = this.storeJumpedAtMs >= sinceMs;
    return !(jumped && troubledAtMs >= this.storeJumpedAtMs - this.leaseMs);
  }

  #report(one: Run, other: Run): void {
    this.twice.push(
      `job ${other.lease.queue}/${other.lease.id} began in ${other.process.name} (token ${other.lease.token}) while ` +
        `it ran in ${one.process.name} (token ${one.lease.token}), which had not been told to stop`,
    );
  }
}
