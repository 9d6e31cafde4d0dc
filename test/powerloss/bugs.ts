/**
 * Bugs, planted into a recording: what the same program would have left on disk if it had been careless in one way.
 * A test that does not find these would prove nothing by finding nothing.
 */

import type { Recording } from './record.ts';
import type { Step } from './trace.ts';

type Plant = (steps: readonly Step[]) => Step[];

const isLog = (path: string): boolean => path.endsWith('-wal');
const isLogFlush = (step: Step): boolean => step.kind === 'flush' && isLog(step.path);
const isDatabaseWrite = (step: Step): boolean => step.kind === 'write' && step.path.endsWith('.db');

/** A flush covers what was written before it began, and steps are counted anew once some are gone or moved. */
function recounted(steps: readonly Step[]): Step[] {
  return steps.map((step, index) => (step.kind === 'flush' ? { ...step, begun: index } : step));
}

/** Nothing is ever flushed. */
const withoutFlushes: Plant = (steps) => steps.filter(({ kind }) => kind !== 'flush');

/** Commits do not flush the log, nor its header when it starts anew; checkpoints do. */
const withoutCommitFlushes: Plant = (steps) =>
  steps.filter((step, index) => !isLogFlush(step) || isDatabaseWrite(nextChange(steps, index)));

/** A checkpoint writes to the database what it has not flushed in the log. */
const withoutLogFlushes: Plant = (steps) => steps.filter((step) => !isLogFlush(step));

/** The log is emptied before the database is flushed. */
const withoutDatabaseFlushes: Plant = (steps) =>
  steps.filter((step) => !(step.kind === 'flush' && step.path.endsWith('.db')));

/** Directories are not flushed, so that new files are only known to whoever made them. */
const withoutNames: Plant = (steps) =>
  steps.filter((step) => !(step.kind === 'flush' && !/\.db(-\w+)?$/.test(step.path)));

/** Answers go out before the commit is flushed: every note moves to before the flush that it waited for. */
const acknowledgedEarly: Plant = (steps) => {
  const early: Step[] = [];
  for (const step of steps) {
    const flush = step.kind === 'note' ? lastFlush(early) : -1;
    if (flush < 0) early.push(step);
    else early.splice(flush, 0, step);
  }
  return early;
};

function lastFlush(steps: readonly Step[]): number {
  return steps.findLastIndex(isLogFlush);
}

function nextChange(steps: readonly Step[], index: number): Step {
  return steps.slice(index + 1).find(({ kind }) => kind !== 'note') ?? (steps[index] as Step);
}

export const BUGS: Readonly<Record<string, Plant>> = {
  'nothing is flushed': withoutFlushes,
  'commits are not flushed': withoutCommitFlushes,
  'checkpoints do not flush the log': withoutLogFlushes,
  'the log is emptied before the database is flushed': withoutDatabaseFlushes,
  'directories are not flushed': withoutNames,
  'writes are acknowledged before they are flushed': acknowledgedEarly,
};

export function plant(bug: string, recording: Recording): Recording {
  const planted = BUGS[bug]?.(recording.steps) ?? [];
  return { ...recording, scenario: `${recording.scenario}: ${bug}`, steps: recounted(planted) };
}
