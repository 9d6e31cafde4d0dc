/** What a proof leaves behind for docs/reliability.md: no number stands there that no run gave. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER: string = fileURLToPath(new URL('../../.cache/proofs', import.meta.url));

export interface Proof {
  /** File name and key of the proof: kebab-case, one a test file or scenario. */
  readonly name: string;
  readonly section: 'simulator' | 'faults' | 'system-calls' | 'trouble' | 'power-loss' | 'equality';
  /** What was done, as a line of a table: "workers and producers killed at random". */
  readonly title: string;
  /** How to do it again, and at a larger size. */
  readonly command: string;
  readonly seeds?: readonly (number | string)[];
  /** Shown as they are: words → number. */
  readonly figures: Readonly<Record<string, number>>;
  /** Faults that were made: kind → count. */
  readonly faults?: Readonly<Record<string, number>>;
  /** What the checker said of all histories of this proof together. */
  readonly checked?: Checked;
  /** Bugs that were planted, and what found them; `seed` null: not found. */
  readonly planted?: readonly {
    readonly bug: string;
    readonly seed: number | null;
    readonly check: string;
  }[];
}

export interface Checked {
  readonly histories: number;
  /** Calls of stores in them. */
  readonly operations: number;
  readonly acknowledged: number;
  readonly runs: number;
  readonly violations: number;
  readonly lost: number;
  readonly lateAttempted: number;
  readonly lateRefused: number;
  readonly duplicatesExplained: Readonly<Record<string, number>>;
  readonly duplicatesUnexplained: number;
  /** From the death of a worker to the next claim of each job that it held. */
  readonly recoveryMs: readonly number[];
  /** Ids of the checks that were made, each with the cases judged. */
  readonly judged: Readonly<Record<string, number>>;
  /** What each of them checks. */
  readonly promises: Readonly<Record<string, string>>;
}

/** Leaves it in .cache/proofs/<name>.json, over an earlier one. */
export function writeProof(proof: Proof): void {
  mkdirSync(FOLDER, { recursive: true });
  const written = { ...proof, at: new Date().toISOString(), node: process.versions.node };
  writeFileSync(join(FOLDER, `${proof.name}.json`), `${JSON.stringify(written, null, 2)}\n`);
}
