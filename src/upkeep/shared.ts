/** One upkeep a store and process, however many workers want it: it starts with the first and ends with the last. */

import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Reclaimed, Store, UpkeepReport } from '../store/store.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Upkeep } from './upkeep.ts';

export interface UpkeepMember {
  /** See `UpkeepOptions`; the shortest of all members counts. */
  readonly reclaimEveryMs: number;
  /** Told of every job that was taken back, whichever process had lost it. */
  readonly onReclaimed: (reclaimed: Reclaimed) => void;
  /** Told of every pass that came through. */
  readonly onWorked: () => void;
  /** Told once for each new way to fail, one of the members. */
  readonly onError: (error: Error) => void;
  readonly telemetry?: Telemetry;
}

export interface UpkeepHost {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly session: string;
}

const shared = new WeakMap<Store, SharedUpkeep>();

/** Answers how to leave; that resolves when nothing is under way any more, if this was the last member. */
export function joinUpkeep(host: UpkeepHost, member: UpkeepMember): () => Promise<void> {
  let upkeep = shared.get(host.store);
  if (upkeep === undefined) {
    upkeep = new SharedUpkeep(host);
    shared.set(host.store, upkeep);
  }
  return upkeep.join(member);
}

interface Running {
  readonly upkeep: Upkeep;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

class SharedUpkeep {
  readonly #host: UpkeepHost;
  readonly #members = new Set<UpkeepMember>();
  #running: Running | null = null;

  constructor(host: UpkeepHost) {
    this.#host = host;
  }

  join(member: UpkeepMember): () => Promise<void> {
    this.#members.add(member);
    const running = this.#running ?? this.#start(member.reclaimEveryMs);
    this.#running = running;
    running.upkeep.reclaimAtLeastEvery(member.reclaimEveryMs);
    return () => this.#leave(member);
  }

  async #leave(member: UpkeepMember): Promise<void> {
    this.#members.delete(member);
    if (this.#members.size > 0 || this.#running === null) return;
    const { stop, ended } = this.#running;
    this.#running = null;
    stop.abort();
    await ended;
  }

  #start(reclaimEveryMs: number): Running {
    const { store, clock, random, session } = this.#host;
    const stop = new AbortController();
    const upkeep = new Upkeep({
      ...{ store, clock, random, holder: session, reclaimEveryMs },
      onReport: (report, tookMs) => {
        for (const reclaimed of report.reclaimed) {
          for (const member of [...this.#members]) member.onReclaimed(reclaimed);
        }
        this.#tell(report, tookMs);
      },
      onWorked: () => {
        for (const member of this.#members) member.onWorked();
      },
      onError: (error) => [...this.#members][0]?.onError(error),
    });
    return { upkeep, stop, ended: upkeep.run(stop.signal) };
  }

  /** Passes that found nothing to do are no news. */
  #tell({ promoted, reclaimed, expired, pruned, operated }: UpkeepReport, tookMs: number): void {
    const event = { promoted, reclaimed: reclaimed.length, expired, pruned, operated, tookMs };
    if (promoted + event.reclaimed + expired + pruned + operated === 0) return;
    for (const member of this.#members) member.telemetry?.tell('onUpkeep', event);
  }
}
