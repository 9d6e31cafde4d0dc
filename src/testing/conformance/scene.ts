import type { Clock } from '../../runtime/clock.ts';
import type { Store } from '../../store/store.ts';
import type { FakeClock } from '../fake-clock.ts';

/** One store under test and how to come by it. */
export interface StoreHarness {
  readonly name: string;
  /** A store that nobody else sees: its own file, schema or key prefix. */
  open(clock: Clock): Promise<Store>;
  /**
   * Another handle on what the last `open` made, as another process would have it or the same one after a restart.
   * Left out where nothing outlives the store; the cases that need it are then listed as skipped.
   */
  readonly reopen?: (clock: Clock) => Promise<Store>;
  /** Cases that this store cannot pass, each with its reason; they are listed as skipped, with it. */
  readonly exempt?: Readonly<Record<string, string>>;
}

/** Vitest and `node:test` both fit. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: ((name: string, body: () => Promise<void>) => unknown) & {
    readonly skip: (name: string, body: () => Promise<void>) => unknown;
  };
}

/** What a case is given: a store of its own and the clock that it goes by. */
export interface Scene {
  readonly store: Store;
  readonly clock: FakeClock;
  /** Another handle on the same data; closed with the case. Only in cases that need `reopen`. */
  reopen(): Promise<Store>;
}

export type CaseBody = (scene: Scene) => Promise<void>;

/** `reopen`: the case makes no sense where nothing outlives the store. */
export type Need = 'reopen';

/** Registers one guarantee, in a sentence. */
export type Guarantee = (name: string, body: CaseBody, need?: Need) => void;

export type Topic = (guarantee: Guarantee) => void;
