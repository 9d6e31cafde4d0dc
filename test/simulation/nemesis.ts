/** Who makes things go wrong: at any instant, to any process, for a while. */

import type { Chance } from './chance.ts';
import type { Crew, Fleet } from './fleet.ts';
import { FAIR } from './network.ts';
import { EPOCH_MS } from './timeline.ts';
import type { World } from './world.ts';

/** Epoch milliseconds of the store's machine, whose clock may be set forward. */
export interface StoreClock {
  aheadMs: number;
  now: () => number;
}

export function storeClock(world: Pick<World, 'timeline'>): StoreClock {
  const clock = {
    aheadMs: 0,
    now: () => EPOCH_MS + Math.floor(world.timeline.nowMs) + clock.aheadMs,
  };
  return clock;
}

/** The nemesis acts about this often, when it is at its worst. */
const EVERY_MS = 700;

export class Nemesis {
  readonly #world: World;
  readonly #fleet: Fleet;
  readonly #ends: (() => void)[] = [];
  readonly #store: StoreClock;
  readonly #chance: Chance;

  constructor(world: World, parts: { fleet: Fleet; store: StoreClock }) {
    this.#world = world;
    this.#fleet = parts.fleet;
    this.#store = parts.store;
    this.#chance = world.chance.part();
  }

  begin(): void {
    const { scenario, timeline } = this.#world;
    for (let atMs = 0; atMs < scenario.faultsMs; atMs += EVERY_MS) {
      if (!this.#chance.is(scenario.malice)) continue;
      timeline.at(atMs + this.#chance.whole(0, EVERY_MS), () => this.#act());
    }
    timeline.at(scenario.faultsMs, () => this.#heal());
  }

  #act(): void {
    const crews = this.#fleet.running;
    if (crews.length === 0 || this.#fleet.isHealed) return;
    const crew = this.#chance.pick(crews);
    const draw = this.#chance.fraction();
    if (draw < 0.2) this.#crash(crew);
    else if (draw < 0.37) this.#pause(crew);
    else if (draw < 0.47) this.#cut(crew);
    else if (draw < 0.6) this.#close(crew);
    else if (draw < 0.7) this.#jump(crew);
    else this.#jumpStore();
  }

  #crash({ process }: Crew): void {
    this.#world.log.tell({ fault: 'kill', process, note: 'crash' });
    process.die();
  }

  #pause({ process }: Crew): void {
    const kind = this.#chance.pick(['stopped', 'suspended'] as const);
    const forMs = this.#aroundLease();
    const ended = this.#world.log.tell({ fault: 'pause', process, note: `pause (${kind})` });
    process.pause(kind);
    this.#until(forMs, () => {
      process.resume();
      ended();
    });
  }

  #cut({ process }: Crew): void {
    const forMs = this.#aroundLease();
    const ended = this.#world.log.tell({ fault: 'store', process, note: 'cut off' });
    process.isCut = true;
    this.#until(forMs, () => {
      process.isCut = false;
      ended();
    });
  }

  #close(crew: Crew): void {
    const force = this.#chance.is(0.3);
    this.#world.log.count('graceful close');
    void this.#fleet.close(crew, force);
  }

  #jump({ process }: Crew): void {
    const byMs =
      this.#chance.pick([-1, 1]) * this.#chance.whole(1_000, this.#chance.pick([60_000, 6 * 3_600_000]));
    this.#world.log.tellOnce({ fault: 'clock', process, note: 'clock jump', clock: 'process' });
    process.skewMs += byMs;
  }

  #jumpStore(): void {
    const { leaseMs } = this.#world.scenario;
    const byMs = this.#chance.pick([leaseMs, 2 * leaseMs, 60_000]);
    this.#world.log.tellOnce({
      fault: 'clock',
      process: null,
      note: "jump of the store's clock",
      clock: 'store',
    });
    this.#store.aheadMs += byMs;
    this.#world.runs.storeJumpedAtMs = this.#world.timeline.nowMs;
  }

  #aroundLease(): number {
    const { leaseMs } = this.#world.scenario;
    return Math.round(leaseMs * this.#chance.pick([0.2, 0.7, 1, 1.2, 2.5, 4]));
  }

  /** From here on all must come right by itself. */
  #heal(): void {
    const { wire, scenario } = this.#world;
    const { usualMs, mostMs, timeoutMs } = scenario.weather;
    wire.weather = { ...FAIR, usualMs, mostMs, timeoutMs };
    this.#fleet.isHealed = true;
    for (const end of this.#ends.splice(0)) end();
  }

  /** Or until all is healed. */
  #until(forMs: number, end: () => void): void {
    let isOver = false;
    const once = (): void => {
      if (!isOver) end();
      isOver = true;
    };
    this.#ends.push(once);
    this.#world.timeline.after(forMs, once);
  }
}
