/** A history in a file: one a process, written line by line before anything else happens. */

import { closeSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { bootId, hostMonotonicMs } from '../runtime/host-time.ts';
import { uuid7 } from '../runtime/ids.ts';
import { machine } from '../runtime/machine.ts';
import { type Random, systemRandom } from '../runtime/random.ts';
import { History, type Sink } from './history.ts';

/** Of one process; the newer half at least is kept. */
export const DEFAULT_MAX_BYTES: number = 256 * 1_024 * 1_024;

export interface OpenHistoryOptions {
  /** Made if need be, for this user alone. */
  readonly directory: string;
  /** Kind of the store, for people. */
  readonly store: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Bytes kept of this process. Default 256 MiB. */
  readonly maxBytes?: number;
  /** Told once, when lines could not be written; the process goes on without. */
  readonly onFault?: (error: unknown) => void;
}

/**
 * Begins the history of this process in a file of its own. Every line is handed to the system before the call that it
 * tells of goes on, so that a process that is killed leaves all it did behind; a power cut may take the last seconds.
 */
export function openHistory(options: OpenHistoryOptions): History {
  const { directory, store, clock = systemClock, random = systemRandom } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { host, pid } = machine;
  const name = `${host}-${pid}-${uuid7(clock, random)()}`;
  return new History({
    process: name,
    sink: fileSink(join(directory, name), options),
    times: { mono: hostMonotonicMs, wall: () => clock.now() },
    head: { host, boot: bootId(), pid, store },
  });
}

/**
 * Files `<path>.1.jsonl`, `<path>.2.jsonl`, … of half the limit each, of which the last two are kept. Lines are
 * numbered, so whoever reads them sees what is missing.
 */
export function fileSink(
  path: string,
  { maxBytes = DEFAULT_MAX_BYTES, onFault }: Pick<OpenHistoryOptions, 'maxBytes' | 'onFault'>,
): Sink {
  const nameOf = (part: number): string => `${path}.${part}.jsonl`;
  let part = 1;
  let bytes = 0;
  let file = openSync(nameOf(part), 'a', 0o600);
  let isTorn = false;
  let faults = 0;
  const next = (): void => {
    closeSync(file);
    part += 1;
    bytes = 0;
    file = openSync(nameOf(part), 'a', 0o600);
    if (part > 2) unlinkSync(nameOf(part - 2));
  };
  return (line) => {
    try {
      if (bytes > maxBytes / 2) next();
      // After a write that came through in part, the rest of its line must not swallow this one.
      const text = Buffer.from(`${isTorn ? '\n' : ''}${JSON.stringify(line)}\n`);
      isTorn = true;
      const written = writeSync(file, text);
      bytes += written;
      isTorn = written < text.length;
    } catch (error) {
      if (faults++ === 0) onFault?.(error);
    }
  };
}
