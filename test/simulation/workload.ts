/** What people and programs ask of the queues, and what processors do with the jobs. */

import type { AddOptions } from '../../src/queue/add.ts';
import type { Chance } from './chance.ts';
import type { Scenario } from './scenario.ts';

/** Written into the job, so that every attempt at it goes the same way. */
export type Doing =
  | { readonly does: 'succeed' | 'fail' | 'report' | 'ignore' | 'break'; readonly ms: number }
  | { readonly does: 'fail-first'; readonly ms: number; readonly times: number }
  | { readonly does: 'retry-in' | 'release' | 'discard'; readonly ms: number; readonly afterMs: number }
  | { readonly does: 'kill'; readonly ms: number };

export interface Addition {
  readonly data: Doing;
  readonly options: AddOptions;
}

/** One thing that a producer does. */
export type Step =
  | { readonly step: 'add'; readonly queue: string; readonly jobs: readonly Addition[] }
  | {
      readonly step: 'cancel' | 'redrive' | 'promote' | 'discard';
      readonly queue: string;
      readonly pick: number;
    }
  /** As programs do that cannot know whether they have added it: with the same id and all. */
  | { readonly step: 'add-again'; readonly queue: string; readonly pick: number }
  | { readonly step: 'prioritize'; readonly queue: string; readonly pick: number; readonly priority: number }
  | { readonly step: 'delay'; readonly queue: string; readonly pick: number; readonly delayMs: number }
  | { readonly step: 'pause' | 'resume' | 'redrive-all'; readonly queue: string };

export interface Planned {
  readonly atMs: number;
  readonly step: Step;
}

/** Of one producer, in the order of time. */
export function stepsOf(scenario: Scenario, chance: Chance): Planned[] {
  const { faultsMs, queues, producers } = scenario;
  const jobs = Math.max(1, Math.round(scenario.jobs / producers));
  const steps: Planned[] = [];
  const plan = (atMs: number, step: Step): void => void steps.push({ atMs, step });
  const queueName = (): string => chance.pick(queues).name;
  // All at once they have to wait for one another.
  const isBurst = chance.is(0.3);
  for (let left = jobs; left > 0; ) {
    const size = chance.is(0.2) ? Math.min(left, chance.whole(2, 4)) : 1;
    left -= size;
    const additions = Array.from({ length: size }, () => additionOf(scenario, chance));
    plan(isBurst ? 0 : chance.whole(0, faultsMs * 0.7), { step: 'add', queue: queueName(), jobs: additions });
  }
  for (let n = chance.whole(0, jobs); n > 0; n -= 1)
    plan(chance.whole(500, faultsMs), moveOf(queueName(), chance));
  for (let n = chance.whole(0, 2); n > 0; n -= 1) {
    plan(chance.whole(500, faultsMs), { step: 'add-again', queue: queueName(), pick: chance.fraction() });
  }
  if (chance.is(0.3)) {
    const queue = queueName();
    const atMs = chance.whole(0, faultsMs * 0.8);
    plan(atMs, { step: 'pause', queue });
    plan(chance.whole(atMs, faultsMs), { step: 'resume', queue });
  }
  return steps.sort((one, other) => one.atMs - other.atMs);
}

function moveOf(queue: string, chance: Chance): Step {
  const pick = chance.fraction();
  const kind = chance.pick([
    'cancel',
    'cancel',
    'redrive',
    'redrive',
    'promote',
    'discard',
    'rank',
    'all',
  ] as const);
  if (kind === 'all') return { step: 'redrive-all', queue };
  if (kind !== 'rank') return { step: kind, queue, pick };
  if (chance.is(0.5)) return { step: 'prioritize', queue, pick, priority: chance.whole(0, 3) };
  return { step: 'delay', queue, pick, delayMs: chance.pick([0, 300, 2_000]) };
}

function additionOf(scenario: Scenario, chance: Chance): Addition {
  const { leaseMs } = scenario;
  return {
    data: doingOf(chance, leaseMs),
    options: {
      attempts: chance.pick([1, 2, 3, 4]),
      backoff: backoffOf(chance),
      ...(chance.is(0.25) && { delay: chance.whole(1, 3_000) }),
      ...(chance.is(0.5) && { priority: chance.whole(0, 3) }),
      ...(chance.is(0.1) && { lifo: true }),
      ...(chance.is(0.15) && { timeout: chance.whole(100, 3 * leaseMs) }),
      ...(chance.is(0.05) && { ttl: chance.whole(500, 5_000) }),
      ...(chance.is(0.15) && { removeOnComplete: true }),
    },
  };
}

function backoffOf(chance: Chance): NonNullable<AddOptions['backoff']> {
  const delay = chance.pick([0, 100, 500]);
  return chance.is(0.5) ? delay : { type: 'exponential', delay, max: 2_000 };
}

function doingOf(chance: Chance, leaseMs: number): Doing {
  const ms = chance.is(0.15) ? chance.whole(leaseMs, 3 * leaseMs) : chance.whole(0, leaseMs / 2);
  const afterMs = chance.pick([0, 200, 1_000]);
  const draw = chance.fraction();
  if (draw < 0.36) return { does: 'succeed', ms };
  if (draw < 0.52) return { does: 'report', ms: chance.is(0.4) ? chance.whole(0, 2 * leaseMs) : ms };
  if (draw < 0.62) return { does: 'fail-first', ms, times: chance.whole(1, 3) };
  if (draw < 0.72) return { does: 'fail', ms };
  if (draw < 0.82) return { does: 'ignore', ms: chance.whole(leaseMs, 4 * leaseMs) };
  if (draw < 0.86) return { does: 'retry-in', ms, afterMs };
  if (draw < 0.9) return { does: 'release', ms, afterMs };
  if (draw < 0.93) return { does: 'discard', ms, afterMs };
  if (draw < 0.96) return { does: 'break', ms };
  return { does: 'kill', ms: Math.min(ms, 1_000) };
}
