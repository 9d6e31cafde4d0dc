/** From the options of `millrace add` to the jobs that a store takes. */

import { InvalidOptionError } from '../errors.ts';
import type { DurationText } from '../job/duration.ts';
import { type BackoffOptions, type JobOptions, resolveJobOptions } from '../job/options.ts';
import { JSON_TYPE } from '../job/payload.ts';
import type { Bytes } from '../job/record.ts';
import type { MakeId } from '../runtime/ids.ts';
import type { NewJob } from '../store/store.ts';
import { parseDuration } from './duration.ts';

/** As the command line gives them. */
export interface JobFlags {
  readonly id?: string;
  readonly delay?: string;
  readonly priority?: number;
  readonly lifo?: boolean;
  readonly attempts?: number;
  readonly backoff?: string;
  readonly timeout?: string;
  readonly ttl?: string;
  readonly header?: readonly string[];
}

export interface JobMaker {
  /** @throws InvalidOptionError when the id is none. */
  make(body: Bytes, id?: string): NewJob;
}

/** Checks the options once, for all jobs that are made with them. */
export function jobMaker(queue: string, name: string, flags: JobFlags, makeId: MakeId): JobMaker {
  const options = optionsOf(flags);
  const shared = resolveJobOptions('the command line', options);
  return {
    make: (body, id) => {
      const own = id === undefined ? shared : resolveJobOptions('the job', { ...options, jobId: id });
      return {
        queue,
        id: own.jobId ?? makeId(),
        name,
        body,
        contentType: JSON_TYPE,
        headers: own.headers,
        policy: own.policy,
        priority: own.priority,
        lifo: own.lifo,
        delayMs: own.delayMs,
      };
    },
  };
}

function optionsOf(flags: JobFlags): JobOptions {
  const { id, delay, priority, lifo, attempts, backoff, timeout, ttl, header } = flags;
  return {
    ...(id !== undefined && { jobId: id }),
    ...(delay !== undefined && { delay: parseDuration(delay, '--delay') }),
    ...(priority !== undefined && { priority }),
    ...(lifo !== undefined && { lifo }),
    ...(attempts !== undefined && { attempts }),
    ...(backoff !== undefined && { backoff: parseBackoff(backoff) }),
    ...(timeout !== undefined && { timeout: parseDuration(timeout, '--timeout') }),
    ...(ttl !== undefined && { ttl: parseDuration(ttl, '--ttl') }),
    ...(header !== undefined && { headers: parseHeaders(header) }),
  };
}

/** `exponential:2s`, `fixed:500ms`, or the name of a strategy of the worker. */
function parseBackoff(text: string): BackoffOptions {
  const [type = '', delay] = text.split(':', 2);
  return delay === undefined ? { type } : { type, delay: delay as DurationText };
}

function parseHeaders(pairs: readonly string[]): Record<string, string> {
  const entries = pairs.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
    const message = `"${pair}" is no header; write name=value`;
    throw new InvalidOptionError('the command line', [{ path: '--header', message }]);
  });
  return Object.fromEntries(entries);
}
