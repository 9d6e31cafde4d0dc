/** Many histories one after the other, and what came of them in figures. */

import type { Mutant } from './mutants/index.ts';
import { type Outcome, simulate } from './simulate.ts';

export interface Failure {
  readonly seed: number;
  readonly lines: number;
  readonly violations: readonly { readonly check: string; readonly message: string }[];
}

export interface Summary {
  readonly from: number;
  readonly seeds: number;
  readonly histories: number;
  /** Of virtual time: timers, packets, faults. */
  readonly events: number;
  /** Calls that came to the store. */
  readonly operations: number;
  readonly lines: number;
  readonly virtualSeconds: number;
  readonly seconds: number;
  readonly historiesPerSecond: number;
  readonly eventsPerSecond: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
}

export interface SeedRange {
  readonly from: number;
  readonly seeds: number;
  /** After this many failures the rest is not told. */
  readonly mostFailures?: number;
  readonly onFailure?: (failure: Failure) => void;
}

/** Lets the event loop turn now and then: a history itself never does. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function runSeeds({ from, seeds, mostFailures = 20, onFailure }: SeedRange): Promise<Summary> {
  const startedMs = performance.now();
  const totals = { histories: 0, events: 0, operations: 0, lines: 0, virtualSeconds: 0 };
  const faults: Record<string, number> = {};
  const failures: Failure[] = [];
  for (let seed = from; seed < from + seeds && failures.length < mostFailures; seed += 1) {
    const outcome = await simulate(seed);
    count(totals, faults, outcome);
    if (outcome.violations.length > 0) {
      const failure = failureOf(outcome);
      failures.push(failure);
      onFailure?.(failure);
    }
    await breathe();
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  return {
    ...{ from, seeds, ...totals, virtualSeconds: Math.round(totals.virtualSeconds), seconds },
    historiesPerSecond: Math.round((totals.histories / seconds) * 10) / 10,
    eventsPerSecond: Math.round(totals.events / seconds),
    ...{ faults, failures },
  };
}

type Totals = { -readonly [K in 'histories' | 'events' | 'operations' | 'lines' | 'virtualSeconds']: number };

function count(totals: Totals, faults: Record<string, number>, outcome: Outcome): void {
  const { lines } = outcome.truth;
  totals.histories += 1;
  totals.events += outcome.events;
  totals.lines += lines.length;
  totals.operations += lines.filter(({ kind }) => kind === 'invoke').length;
  totals.virtualSeconds += outcome.virtualMs / 1_000;
  for (const [fault, times] of outcome.faults) faults[fault] = (faults[fault] ?? 0) + times;
}

function failureOf({ seed, truth, violations }: Outcome): Failure {
  const told = violations.map(({ check, message }) => ({ check, message }));
  return { seed, lines: truth.lines.length, violations: told };
}

export interface Found {
  readonly mutant: string;
  readonly bug: string;
  /** Seeds that were needed; null when none of them found it. */
  readonly seeds: number | null;
  readonly check: string | null;
  readonly message: string | null;
}

/** Tells histories of a store or worker with a bug until one breaks what the bug has to break. */
export async function findMutant(mutant: Mutant, mostSeeds: number): Promise<Found> {
  const { name, bug } = mutant;
  for (let seed = 1; seed <= mostSeeds; seed += 1) {
    const { violations } = await simulate(seed, mutant);
    const found = violations.find(({ check }) => mutant.breaks.includes(check));
    if (found !== undefined)
      return { mutant: name, bug, seeds: seed, check: found.check, message: found.message };
    await breathe();
  }
  return { mutant: name, bug, seeds: null, check: null, message: null };
}
