/** A job as scripts see it: the stored record, with bodies as JSON instead of bytes. Documented in cli.md. */

import type { JobRecord } from '../job/record.ts';
import { bytesAsJson } from './json-text.ts';

export function jobAsJson(record: JobRecord): object {
  const { body, rank: _, result, progress, ...rest } = record;
  return {
    ...rest,
    data: bytesAsJson(body),
    result: bytesAsJson(result),
    progress: bytesAsJson(progress),
  };
}
