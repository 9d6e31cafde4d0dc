import {
  checkChoice,
  checkEach,
  checkInteger,
  checkKey,
  checkQueue,
  checkRecord,
  checkText,
  isRecord,
} from './check.ts';
import { checkKnown } from './check-policy.ts';
import type { Comparison, JobFilter } from './filter.ts';
import { MAX_DURATION_MS, MAX_PAGE, MAX_REASON_BYTES } from './limits.ts';
import type { Problems } from './problems.ts';
import type { QueuePatch } from './queue-settings.ts';
import { END_CAUSES, JOB_STATES } from './record.ts';

const DURATION = { min: 0, max: MAX_DURATION_MS };
const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };
const WHOLE = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
const COMPARISONS = ['=', '<', '<=', '>', '>='];
const MAX_DATA_CONDITIONS = 20;
const MAX_DATA_DEPTH = 100;

const FILTER_KEYS = [
  'queues',
  'states',
  'ids',
  'names',
  'fingerprints',
  'errorText',
  'causes',
  'withinMs',
  'olderThanMs',
  'attempts',
  'priority',
  'data',
];

type CheckOne = (value: string, index: number) => void;

export function checkFilter(problems: Problems, part: string, filter: JobFilter): void {
  if (!checkRecord(problems, part, filter)) return;
  problems.enter(part);
  checkKnown(problems, filter, FILTER_KEYS);
  const each = (name: string, values: readonly string[] | undefined, check: CheckOne): void => {
    if (values !== undefined) checkEach(problems, name, { values, max: MAX_PAGE }, check);
  };
  each('queues', filter.queues, (value, index) => checkQueue(problems, index, value));
  each('states', filter.states, (value, index) => checkChoice(problems, index, value, JOB_STATES));
  each('ids', filter.ids, (value, index) => checkKey(problems, index, value));
  each('names', filter.names, (value, index) => checkKey(problems, index, value));
  each('fingerprints', filter.fingerprints, (value, index) =>
    checkText(problems, index, value, MAX_REASON_BYTES),
  );
  each('causes', filter.causes, (value, index) => checkChoice(problems, index, value, END_CAUSES));
  if (filter.errorText !== undefined) checkText(problems, 'errorText', filter.errorText, MAX_REASON_BYTES);
  if (filter.withinMs !== undefined) checkInteger(problems, 'withinMs', filter.withinMs, DURATION);
  if (filter.olderThanMs !== undefined) checkInteger(problems, 'olderThanMs', filter.olderThanMs, DURATION);
  checkComparison(problems, 'attempts', filter.attempts);
  checkComparison(problems, 'priority', filter.priority);
  if (filter.data !== undefined) checkData(problems, filter.data);
  problems.leave();
}

function checkComparison(
  problems: Problems,
  part: string,
  condition: { readonly is: Comparison; readonly value: number } | undefined,
): void {
  if (condition === undefined || !checkRecord(problems, part, condition)) return;
  problems.enter(part);
  checkChoice(problems, 'is', condition.is, COMPARISONS);
  checkInteger(problems, 'value', condition.value, WHOLE);
  problems.leave();
}

function checkData(problems: Problems, data: NonNullable<JobFilter['data']>): void {
  checkEach(problems, 'data', { values: data, max: MAX_DATA_CONDITIONS }, (condition, index) => {
    if (!isRecord(condition)) {
      problems.invalid(index, 'must be an object with path and value');
      return;
    }
    problems.enter(index);
    checkEach(problems, 'path', { values: condition.path, max: MAX_DATA_DEPTH }, (step, at) =>
      checkText(problems, at, step, MAX_REASON_BYTES),
    );
    checkText(problems, 'value', condition.value, MAX_REASON_BYTES);
    problems.leave();
  });
}

const PATCH_KEYS = [
  'paused',
  'delivery',
  'maxCrashes',
  'deadLetterQueue',
  'retention',
  'objectiveMs',
  'feed',
];

export function checkPatch(problems: Problems, part: string, patch: QueuePatch): void {
  if (!checkRecord(problems, part, patch)) return;
  problems.enter(part);
  checkKnown(problems, patch, PATCH_KEYS);
  if (patch.paused !== undefined) checkPaused(problems, patch.paused);
  if (patch.delivery !== undefined) {
    checkChoice(problems, 'delivery', patch.delivery, ['at-least-once', 'at-most-once']);
  }
  if (patch.maxCrashes !== undefined) checkInteger(problems, 'maxCrashes', patch.maxCrashes, COUNT);
  if (patch.deadLetterQueue != null) checkQueue(problems, 'deadLetterQueue', patch.deadLetterQueue);
  if (patch.objectiveMs !== undefined) checkInteger(problems, 'objectiveMs', patch.objectiveMs, DURATION);
  if (patch.feed !== undefined) checkChoice(problems, 'feed', patch.feed, ['auto', 'on']);
  if (patch.retention !== undefined) checkRetention(problems, patch.retention);
  checkNothingUndefined(problems, patch);
  problems.leave();
}

function checkPaused(problems: Problems, paused: unknown): void {
  if (typeof paused !== 'boolean') problems.invalid('paused', 'must be true or false');
}

/** An `undefined` in a patch would overwrite the setting instead of leaving it as it is. */
function checkNothingUndefined(problems: Problems, patch: object): void {
  for (const [name, value] of Object.entries(patch)) {
    if (value === undefined) problems.invalid(name, 'is undefined: leave it out to keep the setting');
  }
}

function checkRetention(problems: Problems, retention: NonNullable<QueuePatch['retention']>): void {
  if (!checkRecord(problems, 'retention', retention)) return;
  problems.enter('retention');
  checkKnown(problems, retention, ['completed', 'failed', 'cancelled']);
  for (const state of ['completed', 'failed', 'cancelled'] as const) {
    const bounds = retention[state];
    if (bounds === undefined || !checkRecord(problems, state, bounds)) continue;
    problems.enter(state);
    checkKnown(problems, bounds, ['ageMs', 'count']);
    checkNothingUndefined(problems, bounds);
    if (bounds.ageMs != null) checkInteger(problems, 'ageMs', bounds.ageMs, DURATION);
    if (bounds.count != null) checkInteger(problems, 'count', bounds.count, COUNT);
    problems.leave();
  }
  problems.leave();
}
