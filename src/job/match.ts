import type { Comparison, JobFilter } from './filter.ts';
import { decodeJson, isJsonType } from './payload.ts';
import type { Bytes, JobRecord, JobState } from './record.ts';

/** The one decision which jobs a filter means, shared by every store, by searches and by operations. */
export function matchesFilter(filter: JobFilter, record: JobRecord, nowMs: number): boolean {
  return (
    oneOf(filter.queues, record.queue) &&
    oneOf<JobState>(filter.states, record.state) &&
    oneOf(filter.ids, record.id) &&
    oneOf(filter.names, record.name) &&
    oneOf(filter.fingerprints, record.error?.fingerprint) &&
    oneOf(filter.causes, record.cause) &&
    hasErrorText(filter.errorText, record) &&
    hasAge(filter, record, nowMs) &&
    compares(filter.attempts, record.failures) &&
    compares(filter.priority, record.priority) &&
    hasData(filter.data, record)
  );
}

function oneOf<T>(wanted: readonly T[] | undefined, value: T | null | undefined): boolean {
  if (wanted === undefined) return true;
  return value !== null && value !== undefined && wanted.includes(value);
}

function hasErrorText(text: string | undefined, { error }: JobRecord): boolean {
  if (text === undefined) return true;
  if (error === null) return false;
  const needle = text.toLowerCase();
  return error.name.toLowerCase().includes(needle) || error.message.toLowerCase().includes(needle);
}

/** Counts from the end of the job once it has one, and never below 0, whatever the clock did. */
function hasAge(filter: JobFilter, record: JobRecord, nowMs: number): boolean {
  const ageMs = Math.max(0, nowMs - (record.finishedAt ?? record.addedAt));
  if (filter.withinMs !== undefined && ageMs > filter.withinMs) return false;
  return filter.olderThanMs === undefined || ageMs >= filter.olderThanMs;
}

function compares(
  condition: { readonly is: Comparison; readonly value: number } | undefined,
  actual: number,
): boolean {
  if (condition === undefined) return true;
  const { is, value } = condition;
  if (is === '=') return actual === value;
  if (is === '<') return actual < value;
  if (is === '<=') return actual <= value;
  return is === '>' ? actual > value : actual >= value;
}

function hasData(wanted: JobFilter['data'], record: JobRecord): boolean {
  if (wanted === undefined || wanted.length === 0) return true;
  if (!isJsonType(record.contentType)) return false;
  const body = parse(record.body);
  return wanted.every(({ path, value }) => asText(at(body, path)) === value);
}

/** A body that is no JSON after all is no error of the searcher: it has no data to match. */
function parse(body: Bytes): unknown {
  try {
    return decodeJson(body);
  } catch {
    return undefined;
  }
}

/** Own properties only, so that no path reaches a prototype. */
function at(body: unknown, path: readonly string[]): unknown {
  let value = body;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** Objects and arrays have no text, so they match nothing; `null` matches the word. */
function asText(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'object' && value !== null)) return undefined;
  return String(value);
}
