/**
 * Planted bugs: each breaks one rule of the store, or of a worker, as other queues have broken it. A simulator that
 * does not find them would not find ours.
 */

import type { LeaseRef } from '../../../src/job/record.ts';
import { jobAt } from '../../../src/store/memory/jobs.ts';
import type { State, StoredJob } from '../../../src/store/memory/state.ts';
import type { Step } from '../../../src/store/memory/step.ts';
import type { Store } from '../../../src/store/store.ts';
import type { StoreClock } from '../nemesis.ts';
import type { Wire } from '../network.ts';
import type { SimProcess } from '../sim-process.ts';

/** What a bug may reach. */
export interface Ground {
  readonly state: State;
  readonly clock: StoreClock;
  readonly wire: Wire;
}

export interface Mutant {
  readonly name: string;
  /** What is wrong, in a sentence. */
  readonly bug: string;
  /** Any of these invariants is the right one to find it. */
  readonly breaks: readonly string[];
  /** The store with the bug. A verb of the memory store is done when its call returns, so what stands around it is atomic. */
  readonly store?: (store: Store, ground: Ground) => Store;
  /** The store as a program with the bug uses it. */
  readonly client?: (store: Store, process: SimProcess, ground: Ground) => Store;
}

/** For changes with the rules of the memory store. */
export function stepOf({ state }: Ground): Step {
  return { state, nowMs: state.clock.now(), news: new Map() };
}

export function jobsOf({ state }: Ground): StoredJob[] {
  return [...state.queues.values()].flatMap(({ jobs }) => [...jobs.values()]);
}

/** The same lease with the token that counts now, if the job runs. */
export function currentLease({ state }: Ground, lease: LeaseRef): LeaseRef {
  const job = jobAt(state, lease);
  return job?.record.state === 'active' ? { ...lease, token: job.record.token } : lease;
}
