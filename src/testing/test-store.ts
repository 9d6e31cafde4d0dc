import type { Duration } from '../job/duration.ts';
import { MAX_SLICE } from '../job/limits.ts';
import type { JobState } from '../job/record.ts';
import { systemClock } from '../runtime/clock.ts';
import { type Random, seededRandom } from '../runtime/random.ts';
import { memoryStore } from '../store/memory/index.ts';
import type { Store, UpkeepReport } from '../store/store.ts';
import { expectAdded, expectState } from './assertions.ts';
import { FakeClock } from './fake-clock.ts';
import { untilIdle } from './idle.ts';
import { readJobs, type TestJob } from './read-jobs.ts';

export interface TestStoreOptions {
  /** Default: a new `FakeClock`. */
  readonly clock?: FakeClock;
  /** Start of the repeatable randomness, for example of jitter. Default 1. */
  readonly seed?: number;
}

/** A store of a test's own, with the clock in the test's hands. Made by `testStore`. */
export interface TestStore {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly random: Random;
  /** For the option `connection` of queues, workers and queue events. */
  readonly connection: { readonly store: Store; readonly clock: FakeClock; readonly random: Random };
  /**
   * Waits until the workers have done all that can be done now: no job is active, none waits in a queue that is
   * not paused, none is due. Passes no virtual time, so jobs that wait for a retry or a delay stay; see `advance`.
   *
   * @param options.timeoutMs Real time to wait at most. Default 5,000.
   * @throws AssertionError naming what is still open.
   */
  runUntilIdle(options?: { readonly timeoutMs?: number }): Promise<void>;
  /** Lets virtual time pass and timers fire in order: `advance('1h')`, `advance(500)`. See `FakeClock.advance`. */
  advance(time: Duration): Promise<void>;
  /**
   * One pass of the standing chores, for tests without a worker (a worker runs them itself, as time passes).
   * The lease of a worker that is gone is taken back by a pass that comes a tenth of the lease after the first that
   * saw it run out.
   *
   * @param options.reclaim Look for leases that ran out. Default false.
   */
  upkeep(options?: { readonly reclaim?: boolean }): Promise<UpkeepReport>;
  /** Jobs of one queue, or of all, in the order in which they were added. */
  jobs(queue?: string): Promise<TestJob[]>;
  /**
   * Answers the oldest job of that queue and name whose data holds `partialData`.
   *
   * @throws AssertionError naming the jobs that are there instead.
   */
  expectAdded(queue: string, name: string, partialData?: unknown): Promise<TestJob>;
  /**
   * Answers the job, which must be in that state.
   *
   * @throws AssertionError with the job's last error.
   */
  expectState(queue: string, id: string, state: JobState): Promise<TestJob>;
  /** Close workers and queues first. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * A store in memory, on a clock that stands still, with randomness that repeats: everything a test of jobs needs,
 * in any test runner.
 *
 * ```ts
 * const t = testStore();
 * const mails = new Queue('mails', { connection: t.connection });
 * await signUp('ada@example.org', mails);
 * await t.expectAdded('mails', 'welcome', { to: 'ada@example.org' });
 * ```
 */
export function testStore(options: TestStoreOptions = {}): TestStore {
  const { clock = new FakeClock(), seed = 1 } = options;
  const random = seededRandom(seed);
  const store = memoryStore({ clock });
  return {
    store,
    clock,
    random,
    connection: { store, clock, random },
    runUntilIdle: ({ timeoutMs = 5_000 } = {}) => untilIdle(store, systemClock, timeoutMs),
    advance: (time) => clock.advance(time),
    upkeep: ({ reclaim = false } = {}) =>
      store.upkeep({ holder: 'millrace/testing', leaderLeaseMs: 1, limit: MAX_SLICE, reclaim }),
    jobs: (queue) => readJobs(store, queue),
    expectAdded: (queue, name, data) => expectAdded(store, { queue, name, data }),
    expectState: (queue, id, state) => expectState(store, { queue, id }, state),
    close: () => store.close(),
  };
}
