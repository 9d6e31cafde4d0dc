import type { State } from '../../src/store/memory/state.ts';
import type { Store } from '../../src/store/store.ts';
import type { Chance } from './chance.ts';
import type { FaultLog } from './fault-log.ts';
import type { Wire } from './network.ts';
import type { Runs } from './runs.ts';
import type { Scenario } from './scenario.ts';
import type { SimProcess } from './sim-process.ts';
import type { Timeline } from './timeline.ts';

/** Something that happened in a process and is no call of the store: a run of a processor, a close. */
export type Tell = (process: SimProcess, what: string, detail: object) => void;

/** Everything of one history. */
export interface World {
  readonly scenario: Scenario;
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly wire: Wire;
  readonly log: FaultLog;
  readonly tell: Tell;
  readonly runs: Runs;
  /** What the store knows; for looking only. */
  readonly state: State;
  /** The store as that process reaches it. */
  readonly connect: (process: SimProcess) => Store;
  /** Graceful ends, and how long they took. */
  readonly closings: { readonly name: string; readonly tookMs: number }[];
  /** What went wrong in the simulated programs themselves. */
  readonly broken: string[];
}
