import {
  checkBytes,
  checkChoice,
  checkEach,
  checkInteger,
  checkKey,
  checkQueue,
  checkRecord,
  checkText,
  exceedsBytes,
  nameOf,
} from './check.ts';
import {
  HARD_MAX_PAYLOAD_BYTES,
  MAX_ATTEMPTS,
  MAX_DELAY_MS,
  MAX_DURATION_MS,
  MAX_HEADER_BYTES,
  MAX_HEADERS,
  MAX_LOG_LINE_BYTES,
  MAX_LOG_LINES,
  MAX_REASON_BYTES,
  MAX_STACK_BYTES,
} from './limits.ts';
import type { Problems } from './problems.ts';
import type { Backoff, Bytes, Headers, JobPolicy, StoredError } from './record.ts';

const DELAY = { min: 0, max: MAX_DELAY_MS };
const DURATION = { min: 0, max: MAX_DURATION_MS };
const ATTEMPTS = { min: 1, max: MAX_ATTEMPTS };
const DURATIONS = ['retryForMs', 'timeoutMs', 'ttlMs', 'keepCompletedMs', 'keepFailedMs'] as const;
const MAX_BACKOFF_FACTOR = 1_000;

export function checkPayload(problems: Problems, part: string, value: Bytes): void {
  checkBytes(problems, part, value, HARD_MAX_PAYLOAD_BYTES);
}

export function checkPolicy(problems: Problems, part: string, policy: JobPolicy): void {
  if (!checkRecord(problems, part, policy)) return;
  problems.enter(part);
  checkInteger(problems, 'attempts', policy.attempts, ATTEMPTS);
  if (policy.backoff !== null) checkBackoff(problems, policy.backoff);
  for (const name of DURATIONS) {
    if (policy[name] !== null) checkInteger(problems, name, policy[name], DURATION);
  }
  if (policy.deadLetterQueue !== null) checkQueue(problems, 'deadLetterQueue', policy.deadLetterQueue);
  problems.leave();
}

function checkBackoff(problems: Problems, backoff: Backoff): void {
  if (!checkRecord(problems, 'backoff', backoff)) return;
  problems.enter('backoff');
  checkChoice(problems, 'type', backoff.type, ['fixed', 'exponential', 'custom']);
  checkInteger(problems, 'delayMs', backoff.delayMs, DELAY);
  if (backoff.type === 'custom') checkKey(problems, 'name', backoff.name);
  else checkNumber(problems, 'jitter', backoff.jitter, 1);
  if (backoff.type === 'exponential') {
    checkNumber(problems, 'factor', backoff.factor, MAX_BACKOFF_FACTOR);
    checkInteger(problems, 'maxMs', backoff.maxMs, DELAY);
  }
  problems.leave();
}

/** A number from 0 to `max` that need not be whole. */
export function checkNumber(problems: Problems, part: string, value: unknown, max: number): void {
  if (typeof value === 'number' && value >= 0 && value <= max) return;
  problems.invalid(part, `must be a number from 0 to ${max}, is ${nameOf(value)}`);
}

export function checkHeaders(problems: Problems, part: string, headers: Headers): void {
  if (!checkRecord(problems, part, headers)) return;
  const names = Object.keys(headers);
  if (names.length === 0) return;
  if (names.length > MAX_HEADERS) {
    problems.beyond(part, `has ${names.length} headers, more than ${MAX_HEADERS}`);
    return;
  }
  problems.enter(part);
  for (const name of names) checkHeader(problems, name, headers[name]);
  problems.leave();
}

function checkHeader(problems: Problems, name: string, value: unknown): void {
  checkKey(problems, name, name);
  if (typeof value === 'string') {
    if (!exceedsBytes(name + value, MAX_HEADER_BYTES)) checkText(problems, name, value, MAX_HEADER_BYTES);
    else problems.beyond(name, `is longer than ${MAX_HEADER_BYTES} bytes with its name`);
    return;
  }
  if (typeof value === 'boolean') return;
  // JSON, which stores use for headers, has neither NaN nor a negative zero.
  if (Number.isFinite(value) && !Object.is(value, -0)) return;
  problems.invalid(name, `must be a string, a finite number or a boolean, is ${nameOf(value)}`);
}

export function checkError(problems: Problems, part: string, error: StoredError): void {
  if (!checkRecord(problems, part, error)) return;
  problems.enter(part);
  checkText(problems, 'name', error.name, MAX_REASON_BYTES);
  checkText(problems, 'message', error.message, MAX_STACK_BYTES);
  if (error.stack !== null) checkText(problems, 'stack', error.stack, MAX_STACK_BYTES);
  if (error.code !== null) checkText(problems, 'code', error.code, MAX_REASON_BYTES);
  checkText(problems, 'fingerprint', error.fingerprint, MAX_REASON_BYTES);
  problems.leave();
}

export function checkLogLines(problems: Problems, part: string, lines: readonly string[]): void {
  checkEach(problems, part, { values: lines, max: MAX_LOG_LINES }, (line, index) => {
    checkText(problems, index, line, MAX_LOG_LINE_BYTES);
    if (typeof line === 'string') problems.countPayload(line.length);
  });
}

export function checkReason(problems: Problems, part: string, reason: string): void {
  checkText(problems, part, reason, MAX_REASON_BYTES);
}

/** A misspelt condition must not pass unseen: without it the filter means more jobs, or all of them. */
export function checkKnown(problems: Problems, value: object, known: readonly string[]): void {
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) problems.invalid(name, `is not known here; known are ${known.join(', ')}`);
  }
}
