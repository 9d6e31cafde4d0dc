/** THE CHECKER: from the lines of a history to the list of what was promised and not kept. Pure. */

import type { HistoryLine } from '../line.ts';
import { lost, phantoms, refused } from './adds.ts';
import { completions, counts, finalEnds } from './attempts.ts';
import { batches, repeats } from './batches.ts';
import { books, orphans } from './books.ts';
import { type CollectOptions, collect } from './collect.ts';
import { cancels, pauses, retention } from './control.ts';
import { deadLetters } from './dead-letters.ts';
import { duplicates } from './duplicates.ts';
import { early } from './early.ts';
import { feed } from './feed.ts';
import { figuresOf } from './figures.ts';
import { leaks, records } from './leaks.ts';
import { holders, lateWrites, tokens } from './leases.ts';
import { closing, recovery, rest, waits, wakeUps } from './liveness.ts';
import { firstComes, priorities } from './order.ts';
import { outOfScope } from './out-of-scope.ts';
import type { Check, CheckReport, Violation } from './report.ts';

export type { CollectOptions } from './collect.ts';
export type { CheckId, CheckReport, Figures, Violation } from './report.ts';

export interface CheckOptions extends CollectOptions {
  /** Every call that was ever made to this store stands in these lines, though no line says so. */
  readonly complete?: boolean;
}

const CHECKS: readonly Check[] = [
  ...[lost, phantoms, refused, batches, holders, tokens, lateWrites, completions, finalEnds, counts, early],
  ...[priorities, firstComes, repeats, pauses, deadLetters, feed, cancels, retention],
  ...[books, orphans, leaks, records, rest, recovery, waits, closing, wakeUps, duplicates],
  ...outOfScope,
];

/**
 * Checks what can be checked and says what could not. The lines of each process must come in their order, those of
 * different processes in any.
 */
export function checkHistory(lines: readonly HistoryLine[], options: CheckOptions = {}): CheckReport {
  const collected = collect(lines, options);
  const evidence =
    options.complete === true ? { ...collected, scope: { ...collected.scope, complete: true } } : collected;
  const violations: Violation[] = [];
  const made: CheckReport['made'][number][] = [];
  const notMade: CheckReport['notMade'][number][] = [];
  for (const { id, promise, judge } of CHECKS) {
    const verdict = judge(evidence);
    if ('notMade' in verdict) notMade.push({ check: id, promise, reason: verdict.notMade });
    else {
      made.push({ check: id, promise, judged: verdict.judged });
      violations.push(...verdict.violations);
    }
  }
  return { ok: violations.length === 0, violations, made, notMade, figures: figuresOf(evidence, violations) };
}
