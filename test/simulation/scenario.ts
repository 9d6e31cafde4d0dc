/** What a history is about: drawn from its seed before it begins. Most are short, so that many can be told. */

import { Chance } from './chance.ts';
import { FAIR, type Weather } from './network.ts';

export interface Scenario {
  readonly seed: number;
  readonly isLong: boolean;
  /** Each with a queue for its dead letters or without. */
  readonly queues: readonly QueuePlan[];
  readonly processes: number;
  readonly producers: number;
  readonly leaseMs: number;
  readonly concurrency: number;
  readonly mode: 'strict' | 'lenient';
  readonly weather: Weather;
  /** Until then things go wrong. */
  readonly faultsMs: number;
  readonly jobs: number;
  /** Share of the instants at which the nemesis may act that it uses. */
  readonly malice: number;
}

export interface QueuePlan {
  readonly name: string;
  readonly maxCrashes: number;
  readonly deadLetterQueue: string | null;
}

/** Share of the packets that come when nobody waits for their answers any more. */
const LATE = { rain: 0.02, storm: 0.08, late: 0.2 };

export const DEAD_LETTERS = 'dead';

export function scenarioOf(seed: number): Scenario {
  const chance = new Chance(seed);
  const isLong = chance.is(0.06);
  const leaseMs = chance.pick([600, 1_000, 1_000, 2_000, 3_000]);
  return {
    seed,
    isLong,
    queues: queuesOf(chance, isLong),
    processes: isLong ? chance.whole(3, 5) : chance.whole(2, 3),
    producers: isLong ? 2 : 1,
    leaseMs,
    concurrency: chance.pick([1, 2, 4]),
    mode: chance.pick(['strict', 'lenient']),
    weather: weatherOf(chance, leaseMs),
    faultsMs: isLong ? chance.whole(20_000, 60_000) : chance.whole(3_000, 9_000),
    jobs: isLong ? chance.whole(15, 40) : chance.whole(3, 8),
    malice: chance.pick([0, 0.3, 0.6, 0.6, 1]),
  };
}

function queuesOf(chance: Chance, isLong: boolean): QueuePlan[] {
  const names = isLong || chance.is(0.3) ? ['mail', 'video'] : ['mail'];
  return names.map((name) => ({
    name,
    maxCrashes: chance.pick([0, 1, 2, 3]),
    deadLetterQueue: chance.is(0.3) ? DEAD_LETTERS : null,
  }));
}

function weatherOf(chance: Chance, leaseMs: number): Weather {
  const kind = chance.pick(['fair', 'rain', 'storm', 'late', 'late'] as const);
  const timeoutMs = chance.pick([leaseMs / 4, leaseMs, 2 * leaseMs]);
  const usualMs = chance.pick([1, 5, 40]);
  const mostMs = leaseMs / 10;
  const deaths = chance.pick([0, 0.004, 0.01, 0.02]);
  if (kind === 'fair') return { ...FAIR, usualMs, mostMs, timeoutMs };
  const lost = kind === 'storm' ? 0.15 : 0.04;
  return {
    ...{
      lostRequests: lost,
      lostAnswers: kind === 'late' ? 0 : lost * 1.5,
      lostHints: chance.pick([lost, 0.5, 1]),
    },
    ...{ late: LATE[kind], lateMs: chance.pick([6_000, 12_000]) },
    ...{ usualMs, mostMs, timeoutMs, deaths },
  };
}
