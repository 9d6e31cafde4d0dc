/** One history from its beginning to its end, and what is wrong with it. */

import { recordStore, type Violation } from '../../src/history/index.ts';
import { guardStore } from '../../src/store/guard.ts';
import { storeOver } from '../../src/store/memory/index.ts';
import { newState } from '../../src/store/memory/state.ts';
import type { Store } from '../../src/store/store.ts';
import { Book } from './book.ts';
import { Chance } from './chance.ts';
import { FaultLog } from './fault-log.ts';
import { Fleet } from './fleet.ts';
import { judge } from './judge.ts';
import type { Ground, Mutant } from './mutants/index.ts';
import { Nemesis, storeClock } from './nemesis.ts';
import { reach, type Wire } from './network.ts';
import { operate } from './operator.ts';
import { Producer } from './producer.ts';
import { Runs } from './runs.ts';
import { type Scenario, scenarioOf } from './scenario.ts';
import type { SimProcess } from './sim-process.ts';
import { Timeline } from './timeline.ts';
import type { World } from './world.ts';

export interface Outcome {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly events: number;
  readonly virtualMs: number;
  readonly violations: readonly Pick<Violation, 'check' | 'message' | 'lines'>[];
  /** How often each fault was made. */
  readonly faults: ReadonlyMap<string, number>;
  /** What the store did, call by call, with the runs and the faults. */
  readonly truth: Book;
  /** The same as the programs saw it. */
  readonly seen: Book;
}

/** All must have come to rest so long after the last fault, or something waits for ever. */
const REST_MS = 120_000;
/** For the graceful end of all processes. */
const CLOSE_MS = 30_000;

export async function simulate(seed: number, mutant: Mutant | null = null): Promise<Outcome> {
  // Stacks cost time, and name the files of this machine.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const stray: string[] = [];
  const onStray = (thrown: unknown): void => void stray.push(`nobody listened to ${String(thrown)}`);
  process.on('unhandledRejection', onStray);
  try {
    return await new Simulation(seed, mutant, stray).tell();
  } finally {
    process.off('unhandledRejection', onStray);
    Error.stackTraceLimit = limit;
  }
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #timeline: Timeline;
  readonly #truth: Book;
  readonly #seen: Book;
  readonly #world: World;
  readonly #store: Store;
  readonly #ground: Ground;

  constructor(seed: number, mutant: Mutant | null, broken: string[]) {
    const chance = new Chance(seed ^ 0x5bd1e995);
    const scenario = scenarioOf(seed);
    const timeline = new Timeline(chance.part());
    this.#scenario = scenario;
    this.#timeline = timeline;
    this.#truth = new Book(timeline);
    this.#seen = new Book(timeline);
    const clock = storeClock({ timeline });
    const state = newState({ now: () => clock.now(), monotonic: () => timeline.nowMs, after: () => NEVER });
    const log = new FaultLog([this.#truth, this.#seen]);
    const wire: Wire = {
      timeline,
      chance: chance.part(),
      log,
      weather: scenario.weather,
      caller: null,
      inFlight: 0,
    };
    this.#ground = { state, clock, wire };
    const store = storeOver(state);
    this.#store = mutant?.store?.(store, this.#ground) ?? store;
    this.#world = {
      ...{ scenario, timeline, chance, wire, log, state, broken },
      ...{ runs: new Runs(timeline, scenario.leaseMs), closings: [] },
      tell: (process, what, detail) => {
        for (const book of [this.#truth, this.#seen])
          book.of(process.name, process.clock.now).event(what, detail);
      },
      connect: (process) => this.#connect(process, mutant),
    };
  }

  /** From the program to the store: what it sees, its own bugs, the network, what the store does, the store. */
  #connect(process: SimProcess, mutant: Mutant | null): Store {
    const { wire } = this.#world;
    const done = recordStore(this.#store, this.#truth.of(process.name, process.clock.now));
    const reached = reach(wire, process, done);
    const used = mutant?.client?.(reached, process, this.#ground) ?? reached;
    return guardStore(recordStore(used, this.#seen.of(process.name, process.clock.now)));
  }

  async tell(): Promise<Outcome> {
    const { scenario, closings } = this.#world;
    const fleet = new Fleet(this.#world);
    const producers = Array.from(
      { length: scenario.producers },
      (_, n) => new Producer(this.#world, `p${n}`),
    );
    new Nemesis(this.#world, { fleet, store: this.#ground.clock }).begin();
    await this.#timeline.play(scenario.faultsMs);
    void operate(this.#world);
    const isDone = (): boolean => producers.every(({ isDone, process }) => isDone || !process.isAlive);
    await this.#timeline.play(scenario.faultsMs + REST_MS, () => isDone() && this.#isQuiet());
    const restedAtMs = this.#timeline.nowMs;
    fleet.end();
    const last = fleet.running.length + closings.length;
    for (const crew of fleet.running) void fleet.close(crew, false);
    await this.#timeline.play(restedAtMs + CLOSE_MS, () => closings.length >= last);
    await this.#dump();
    const { truth, seen } = { truth: this.#truth, seen: this.#seen };
    return {
      ...{ seed: scenario.seed, scenario, events: this.#timeline.happened, virtualMs: this.#timeline.nowMs },
      violations: await judge(this.#world, {
        truth,
        seen,
        missing: last - closings.length,
        store: this.#store,
      }),
      ...{ faults: this.#world.log.counts, truth, seen },
    };
  }

  /** Jobs of the queues that nobody serves may wait. */
  #isQuiet(): boolean {
    if (this.#world.wire.inFlight > 0) return false;
    return this.#scenario.queues.every(({ name }) => {
      const counts = this.#ground.state.queues.get(name)?.counts;
      return counts === undefined || counts.waiting + counts.delayed + counts.active === 0;
    });
  }

  async #dump(): Promise<void> {
    for (const book of [this.#truth, this.#seen]) {
      book.nemesis.event('scope', { complete: true, faultsKnown: true });
      for await (const _ of recordStore(this.#store, book.nemesis).dump());
    }
  }
}

const NEVER = { cancel: (): void => {} };
