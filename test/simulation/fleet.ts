/** The processes with workers, and whoever starts them again when they are gone. */

import { Worker } from '../../src/worker/worker.ts';
import type { Chance } from './chance.ts';
import { processorIn } from './processor.ts';
import { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

export interface Crew {
  readonly process: SimProcess;
  readonly workers: readonly Worker[];
}

export class Fleet {
  readonly crews: Crew[] = [];
  readonly #world: World;
  readonly #chance: Chance;
  #started = 0;
  /** From the end of the faults on a process that dies is replaced at once. */
  isHealed = false;

  constructor(world: World) {
    this.#world = world;
    this.#chance = world.chance.part();
    for (let slot = 0; slot < world.scenario.processes; slot += 1) this.start(slot);
  }

  /** Those that live and take jobs. */
  get running(): Crew[] {
    return this.crews.filter(({ process }) => process.isAlive && !process.isClosing);
  }

  start(slot: number): void {
    const { timeline, scenario, connect } = this.#world;
    this.#started += 1;
    const process = new SimProcess(`w${slot}.${this.#started}`, timeline, this.#chance.part());
    process.skewMs = skewOf(this.#chance);
    const connection = { store: connect(process), clock: process.clock, random: process.chance };
    const workers = this.#queuesOf(slot).map((queue) => {
      const worker = new Worker(queue, processorIn(this.#world, process), {
        ...{ connection, concurrency: scenario.concurrency, leaseMs: scenario.leaseMs, mode: scenario.mode },
        ...{ name: process.name, closeTimeout: this.#chance.pick([0, 1_000, 5_000]) },
      });
      worker.on('error', () => undefined);
      return worker;
    });
    const crew = { process, workers };
    this.crews.push(crew);
    process.onDeath(() => this.#replace(crew, slot));
  }

  /** Each queue is served by some process. */
  #queuesOf(slot: number): string[] {
    const names = this.#world.scenario.queues.map(({ name }) => name);
    if (slot === 0) return names;
    const some = names.filter(() => this.#chance.is(0.7));
    return some.length > 0 ? some : names;
  }

  /** Answers when it is over, by the process's own word. */
  async close(crew: Crew, force: boolean): Promise<void> {
    const { process, workers } = crew;
    const { timeline, closings } = this.#world;
    if (process.isClosing || !process.isAlive) return;
    process.isClosing = true;
    const sinceMs = timeline.nowMs;
    await Promise.all(workers.map((worker) => worker.close({ force })));
    closings.push({ name: process.name, tookMs: timeline.nowMs - sinceMs });
    process.die();
  }

  /** Also after a graceful end: a deployment starts the next one. */
  #replace(crew: Crew, slot: number): void {
    const { timeline } = this.#world;
    const waitMs = this.isHealed || crew.process.isClosing ? 100 : this.#chance.whole(50, 4_000);
    timeline.after(waitMs, () => {
      if (!this.#isOver) this.start(slot);
    });
  }

  #isOver = false;

  /** Nobody is replaced any more. */
  end(): void {
    this.#isOver = true;
  }
}

/** Most wall clocks are nearly right, some are hours off. */
export function skewOf(chance: Chance): number {
  if (chance.is(0.5)) return chance.whole(-50, 50);
  return chance.pick([-1, 1]) * chance.whole(1_000, chance.pick([60_000, 6 * 3_600_000]));
}
