/**
 * The search grammar, one everywhere: `state:failed queue:emails data.user.id:42 error:"ECONNRESET" since:2h`.
 *
 * Conditions stand one after another and all hold together; values joined by commas, or by repeating a key, are
 * alternatives. A value with white space, commas or quotes stands in double quotes, in which `\"` and `\\` mean
 * the character itself. `attempts` and `priority` take `>2`, `<=5` and the like.
 */

import { InvalidOptionError, type Problem } from '../errors.ts';
import { durationMs, durationText } from './duration.ts';
import type { Comparison, JobFilter } from './filter.ts';
import { END_CAUSES, JOB_STATES, type JobState } from './record.ts';
import { type Condition, readConditions } from './search-text.ts';
import { didYouMean, suggest } from './suggest.ts';

type Draft = { -readonly [K in keyof JobFilter]: JobFilter[K] };

/** Reads one condition into the draft; answers what is wrong with it, or null. */
type Reader = (draft: Draft, condition: Condition) => string | null;

const READERS: Readonly<Record<string, Reader>> = {
  state: (draft, { values }) => {
    const wrong = notAmong(values, JOB_STATES);
    if (wrong === null) draft.states = [...(draft.states ?? []), ...(values as JobState[])];
    return wrong;
  },
  queue: list('queues'),
  name: list('names'),
  id: list('ids'),
  fingerprint: list('fingerprints'),
  cause: (draft, condition) => notAmong(condition.values, END_CAUSES) ?? list('causes')(draft, condition),
  error: one((draft, value) => {
    if (draft.errorText !== undefined) return 'stands twice';
    draft.errorText = value;
    return null;
  }),
  since: age('withinMs'),
  older: age('olderThanMs'),
  attempts: comparison('attempts'),
  priority: comparison('priority'),
};

/** `data` is followed by a path. */
export const SEARCH_KEYS: readonly string[] = [...Object.keys(READERS), 'data'];

/**
 * @throws InvalidOptionError with every problem of the text, each with the condition it is in.
 */
export function parseSearch(text: string): JobFilter {
  const problems: Problem[] = [];
  const draft: Draft = {};
  for (const condition of readConditions(text)) {
    const message = condition.problem ?? readCondition(draft, condition);
    if (message !== null) problems.push({ path: condition.text, message });
  }
  if (problems.length > 0) throw new InvalidOptionError('the search', problems);
  return draft;
}

function readCondition(draft: Draft, condition: Condition): string | null {
  const [key = '', ...path] = condition.key;
  if (key === 'data') return readData(draft, condition, path);
  const reader = Object.hasOwn(READERS, key) ? READERS[key] : undefined;
  if (reader === undefined || path.length > 0) return unknownKey(condition.key.join('.'));
  return reader(draft, condition);
}

function unknownKey(key: string): string {
  const best = suggest(key, SEARCH_KEYS);
  const guess = best === null ? '' : ` Did you mean "${best}:"?`;
  return `there is no condition "${key}".${guess} Conditions are ${SEARCH_KEYS.join(', ')}.`;
}

function readData(draft: Draft, { values }: Condition, path: readonly string[]): string | null {
  if (path.length === 0) return 'names no path. Write for example data.user.id:42';
  const [value, ...others] = values;
  if (value === undefined || others.length > 0) return 'takes one value; put one with a comma in quotes';
  draft.data = [...(draft.data ?? []), { path, value }];
  return null;
}

function list(name: 'queues' | 'names' | 'ids' | 'fingerprints' | 'causes'): Reader {
  return (draft, { values }) => {
    draft[name] = [...(draft[name] ?? []), ...values];
    return null;
  };
}

function one(read: (draft: Draft, value: string) => string | null): Reader {
  return (draft, { values }) => {
    const [value, ...others] = values;
    if (value === undefined || others.length > 0) return 'takes one value; put one with a comma in quotes';
    return read(draft, value);
  };
}

function age(name: 'withinMs' | 'olderThanMs'): Reader {
  return one((draft, value) => {
    if (draft[name] !== undefined) return 'stands twice';
    const ms = durationMs(value);
    if (ms === null) return `"${value}" is not a length of time. Write for example 30m, 2h or 1d.`;
    draft[name] = ms;
    return null;
  });
}

function comparison(name: 'attempts' | 'priority'): Reader {
  return one((draft, value) => {
    if (draft[name] !== undefined) return 'stands twice';
    const [, is = '', number = ''] = /^(<=|>=|<|>|=)?(\d{1,15})$/.exec(value) ?? [];
    if (number === '') return `"${value}" is not a comparison. Write for example 3, >2 or <=5.`;
    draft[name] = { is: (is === '' ? '=' : is) as Comparison, value: Number(number) };
    return null;
  });
}

function notAmong(values: readonly string[], known: readonly string[]): string | null {
  const wrong = values.find((value) => !known.includes(value));
  if (wrong === undefined) return null;
  return `"${wrong}" is none of ${known.join(', ')}.${didYouMean(wrong, known)}`;
}

/** The text that `parseSearch` reads as this filter. */
export function formatSearch(filter: JobFilter): string {
  const parts = [
    ...listed('state', filter.states),
    ...listed('queue', filter.queues),
    ...listed('name', filter.names),
    ...listed('id', filter.ids),
    ...listed('fingerprint', filter.fingerprints),
    ...listed('cause', filter.causes),
    ...listed('error', filter.errorText === undefined ? undefined : [filter.errorText]),
    ...(filter.withinMs === undefined ? [] : [`since:${durationText(filter.withinMs)}`]),
    ...(filter.olderThanMs === undefined ? [] : [`older:${durationText(filter.olderThanMs)}`]),
    ...compared('attempts', filter.attempts),
    ...compared('priority', filter.priority),
    ...(filter.data ?? []).map(({ path, value }) => `data.${path.map(quoted).join('.')}:${quoted(value)}`),
  ];
  return parts.join(' ');
}

function listed(key: string, values: readonly string[] | undefined): string[] {
  return values === undefined || values.length === 0 ? [] : [`${key}:${values.map(quoted).join(',')}`];
}

function compared(
  key: string,
  condition: { readonly is: Comparison; readonly value: number } | undefined,
): string[] {
  if (condition === undefined) return [];
  return [`${key}:${condition.is === '=' ? '' : condition.is}${condition.value}`];
}

const BARE = /^[^\s",:.\\]+$/u;

function quoted(value: string): string {
  return BARE.test(value) ? value : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
