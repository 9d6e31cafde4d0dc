/** What a check answers, and what the checker reports. */

import type { HistoryLine } from '../line.ts';
import type { Evidence } from './evidence.ts';

/** S: safety, A: accounting, L: liveness, D: duplicates. */
export type CheckId = `${'S' | 'A' | 'L' | 'D'}${number}`;

export interface Violation {
  readonly check: CheckId;
  /** What is wrong, with which job. */
  readonly message: string;
  /** The lines that prove it. */
  readonly lines: readonly HistoryLine[];
}

/** `judged`: cases looked at. Zero cases means that the history had none, not that the promise was kept. */
export type Verdict =
  | { readonly judged: number; readonly violations: readonly Violation[] }
  | { readonly notMade: string };

export interface Check {
  readonly id: CheckId;
  /** The invariant in a sentence. */
  readonly promise: string;
  judge(evidence: Evidence): Verdict;
}

export interface CheckReport {
  readonly ok: boolean;
  readonly violations: readonly Violation[];
  readonly made: readonly { readonly check: CheckId; readonly promise: string; readonly judged: number }[];
  readonly notMade: readonly { readonly check: CheckId; readonly promise: string; readonly reason: string }[];
  readonly figures: Figures;
}

/** Counts over the whole history. Times are milliseconds. */
export interface Figures {
  readonly lines: number;
  readonly processes: number;
  /** Calls of the store by their end; `unknown` had none, or an unclear one. */
  readonly calls: { readonly ok: number; readonly refused: number; readonly unknown: number };
  readonly jobsAcknowledged: number;
  readonly claims: number;
  readonly runs: number;
  readonly reclaimed: number;
  /** Faults by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** Writes of workers whose lease was over: how many came, and how many were refused. */
  readonly lateWrites: { readonly attempted: number; readonly refused: number };
  readonly duplicates: { readonly explained: Readonly<Record<string, number>>; readonly unexplained: number };
  /** From the fault to the next claim of each job that its process held; sorted. */
  readonly recoveryMs: readonly number[];
}

/** Gathers what a check finds. */
export class Findings {
  readonly #check: CheckId;
  readonly #violations: Violation[] = [];
  #judged = 0;

  constructor(check: CheckId) {
    this.#check = check;
  }

  /** One more case was looked at; it is as it should be, or `message` says what is wrong. */
  expect(isRight: boolean, message: () => string, lines: readonly (HistoryLine | null | undefined)[]): void {
    this.#judged++;
    if (!isRight) this.add(message(), lines);
  }

  add(message: string, lines: readonly (HistoryLine | null | undefined)[]): void {
    const proof = lines.filter((line) => line !== null && line !== undefined);
    this.#violations.push({ check: this.#check, message, lines: proof });
  }

  get verdict(): Verdict {
    return { judged: this.#judged, violations: this.#violations };
  }
}
