/**
 * What must happen though nobody asks: due jobs are promoted, lost leases taken back, late jobs expired, finished
 * ones pruned, operations carried on. Every process with a worker runs this; the store lets one of them lead.
 */

import { backoffMs } from '../job/backoff.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { asError } from '../runtime/emitter.ts';
import { FaultState } from '../runtime/fault-state.ts';
import type { Random } from '../runtime/random.ts';
import type { Store, UpkeepReport } from '../store/store.ts';
import { ReclaimPace } from './reclaim-pace.ts';

export interface UpkeepOptions {
  readonly store: Pick<Store, 'upkeep'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Who wants to lead; unique among all processes of the store. */
  readonly holder: string;
  /** Time between two looks for lost leases; a thirtieth of the shortest lease is right. @default 1_000 */
  readonly reclaimEveryMs?: number;
  /** How long the others wait for a leader that died. @default ten times `reclaimEveryMs`, from 3 to 10 seconds */
  readonly leaderLeaseMs?: number;
  /** Records that one chore touches in one call. @default 1_000 */
  readonly limit?: number;
  /** Told after every pass in which this one led. */
  readonly onReport?: (report: UpkeepReport, tookMs: number) => void;
  /** Told of every pass that came through, leading or not. */
  readonly onWorked?: () => void;
  /** Told once for each new way to fail; the loop goes on. */
  readonly onError?: (error: Error) => void;
}

const DEFAULTS = Object.freeze({ reclaimEveryMs: 1_000, limit: 1_000 });
const LOOKS_A_LEADER = 10;
const MIN_LEADER_LEASE_MS = 3_000;
const MAX_LEADER_LEASE_MS = 10_000;

/** Longest wait: what becomes due meanwhile (an operation is started, a limit is lowered) gives no other sign. */
const IDLE_MS = 1_000;
/** Something that is due and stays due must not make the loop hot. */
const NOTHING_DONE_MS = 50;
const AFTER_ERROR = { type: 'exponential', delayMs: 200, factor: 2, maxMs: 4_000, jitter: 0.5 } as const;

export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #limit: number;
  readonly #pace: ReclaimPace;
  readonly #faults = new FaultState();
  #failuresInRow = 0;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#limit = options.limit ?? DEFAULTS.limit;
    this.#pace = new ReclaimPace(options.clock, options.reclaimEveryMs ?? DEFAULTS.reclaimEveryMs);
  }

  /** For workers with shorter leases that come later; it never gets longer again. */
  reclaimAtLeastEvery(ms: number): void {
    this.#pace.atLeastEvery(ms);
  }

  /** One pass, if this one leads or may lead. Looks for lost leases only when the last look is long enough ago. */
  async runOnce(): Promise<UpkeepReport> {
    const { store, clock, holder, onReport } = this.#options;
    const startedMs = clock.monotonic();
    const reclaim = this.#pace.isDue();
    const budget = { holder, leaderLeaseMs: this.#leaderLeaseMs(), limit: this.#limit, reclaim };
    const report = await store.upkeep(budget).catch((thrown: unknown) => {
      this.#pace.failed(reclaim);
      throw thrown;
    });
    this.#pace.passed(report.led, reclaim);
    this.#pace.suspected(report.suspicionMs);
    if (report.led) onReport?.(report, clock.monotonic() - startedMs);
    return report;
  }

  /** Passes until the signal aborts; resolves when the last one is over. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted)
      await sleep(this.#options.clock, await this.#pass(), signal, { background: true });
  }

  /** A look for lost leases must not have to wait long for a leader that is lost, too. */
  #leaderLeaseMs(): number {
    const lookMs = Math.max(MIN_LEADER_LEASE_MS, LOOKS_A_LEADER * this.#pace.everyMs);
    return this.#options.leaderLeaseMs ?? Math.min(lookMs, MAX_LEADER_LEASE_MS);
  }

  /** Answers how long to wait for the next one. */
  async #pass(): Promise<number> {
    try {
      const report = await this.runOnce();
      this.#faults.ok();
      this.#options.onWorked?.();
      this.#failuresInRow = 0;
      return this.#waitMs(report);
    } catch (thrown) {
      if (this.#faults.fail(thrown)) this.#options.onError?.(asError(thrown));
      return backoffMs(AFTER_ERROR, ++this.#failuresInRow, this.#options.random);
    }
  }

  #waitMs(report: UpkeepReport): number {
    if (report.more) return 0;
    const worked = report.promoted + report.expired + report.operated > 0;
    const dueMs = Math.max(report.nextDueInMs ?? IDLE_MS, worked ? 1 : NOTHING_DONE_MS);
    return Math.min(dueMs, this.#pace.untilDueMs(), IDLE_MS);
  }
}
