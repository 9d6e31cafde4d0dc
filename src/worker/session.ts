import type { Clock, Timer } from '../runtime/clock.ts';
import { asError } from '../runtime/emitter.ts';
import type { Machine } from '../runtime/machine.ts';
import type { Store } from '../store/store.ts';

export interface SessionOptions {
  readonly store: Pick<Store, 'beat' | 'endSession'>;
  readonly clock: Clock;
  readonly id: string;
  readonly queue: string;
  readonly machine: Machine;
  readonly load: () => { readonly slots: number; readonly busy: number };
  readonly onBeat: () => void;
  /** Told at every failure. */
  readonly onFault: (error: Error) => void;
}

/** How often the event loop is looked at: a timer that comes late measures how long the loop was blocked. */
const TICK_MS = 1_000;
const TICKS_A_BEAT = 10;
/** After a beat that failed: a worker that nobody sees is taken for dead. */
const TICKS_TO_REPEAT = 2;
/** Three beats may be missed before the registry forgets the worker. */
const TTL_MS: number = 3 * TICKS_A_BEAT * TICK_MS;

/**
 * The worker's entry in the registry, refreshed every ten seconds. Its timer is the one that keeps the process
 * alive while the worker waits for jobs.
 */
export class Session {
  readonly #options: SessionOptions;
  #timer: Timer | null = null;
  #ticks = 0;
  #lagMs = 0;
  #failed = false;
  #ended = false;
  #lastBeat: Promise<void> = Promise.resolve();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Enters the registry. Rejects when the store does not answer; it is tried again with the next beat. */
  async start(): Promise<void> {
    this.#tick();
    await this.#beat();
  }

  /** The leases that this worker still has are handed back. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#timer?.cancel();
    // A beat that arrives after the end would make the session again.
    await this.#lastBeat.catch(() => {});
    await this.#options.store.endSession(this.#options.id);
  }

  #tick(): void {
    const { clock } = this.#options;
    const dueMs = clock.monotonic() + TICK_MS;
    this.#timer = clock.after(TICK_MS, () => {
      this.#lagMs = Math.max(this.#lagMs, clock.monotonic() - dueMs);
      this.#tick();
      this.#ticks += 1;
      if (this.#ticks % (this.#failed ? TICKS_TO_REPEAT : TICKS_A_BEAT) === 0) void this.#tryBeat();
    });
  }

  async #tryBeat(): Promise<void> {
    try {
      await this.#beat();
    } catch (thrown) {
      if (!this.#ended) this.#options.onFault(asError(thrown));
    }
  }

  #beat(): Promise<void> {
    this.#lastBeat = this.#send();
    this.#lastBeat.then(
      () => {
        this.#failed = false;
      },
      () => {
        this.#failed = true;
      },
    );
    return this.#lastBeat;
  }

  async #send(): Promise<void> {
    const { store, id, queue, machine, load } = this.#options;
    const { host, pid, version } = machine;
    const lagMs = this.#lagMs;
    this.#lagMs = 0;
    await store.beat([{ id, ttlMs: TTL_MS, host, pid, version, queues: [{ queue, ...load() }], lagMs }]);
    this.#options.onBeat();
  }
}
