/** Room on the disk: adding jobs ends before the disk does, so that those which are there can still end. */

import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreFullError } from '../../errors.ts';
import type { Bytes } from '../../job/record.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Effect } from '../store.ts';
import type { Call } from './verbs.ts';

export interface Space {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

const MIB = 1024 * 1024;
/** Not filled with new jobs: claims, renewals and ends need room in the log, too. On small volumes a part of them. */
const RESERVE_BYTES = 16 * MIB;
const RESERVE_SHARE = 0.05;
/** Below both of these it is time to say something. */
const LOW_BYTES = 1024 * MIB;
const LOW_SHARE = 0.1;

/** A look at the disk is cheap, and not free: one serves the calls of so long … */
const LOOK_MS = 50;
/** … as long as they leave a distance. Each byte is written to the log and then to the database. */
const COPIES = 2;
/** What a job takes beside its payload: rows, and entries in the indexes. */
const BYTES_A_JOB = 1024;

/** null where it cannot be told: a file system without a size, or a platform that does not say. */
export function spaceOf(path: string): Space | null {
  try {
    const { bavail, blocks, bsize } = statfsSync(dirname(path));
    return blocks === 0 ? null : { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return null;
  }
}

export function reserveOf({ totalBytes }: Space): number {
  return Math.min(RESERVE_BYTES, totalBytes * RESERVE_SHARE);
}

export function isLow({ freeBytes, totalBytes }: Space): boolean {
  return freeBytes < Math.min(LOW_BYTES, totalBytes * LOW_SHARE);
}

/** Sizes as people read them. */
export function bytesText(bytes: number): string {
  if (bytes >= 1024 * MIB) return `${(bytes / (1024 * MIB)).toFixed(1)} GiB`;
  if (bytes < MIB) return `${Math.ceil(bytes / 1024)} KiB`;
  return bytes >= 10 * MIB ? `${Math.round(bytes / MIB)} MiB` : `${(bytes / MIB).toFixed(1)} MiB`;
}

/** Whether the call brings new jobs, which nobody has been promised anything about yet. */
export function addsJobs(call: Call): boolean {
  return effectsOf(call).some(({ op }) => op === 'add');
}

export class Room {
  readonly #path: string;
  readonly #look: (path: string) => Space | null;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #leftBytes = 0;

  /** @param look Tells the space; tests bring their own. */
  constructor(path: string, look: (path: string) => Space | null = spaceOf) {
    this.#path = path;
    this.#look = look;
  }

  /** Why this call, if it adds jobs, is not even tried; null when there is room for it. */
  refusal(call: Call): StoreFullError | null {
    const needed = bytesOf(call);
    if (needed === 0) return null;
    if (this.#leftBytes < needed || systemClock.monotonic() - this.#lookedMs > LOOK_MS) {
      const space = this.#look(this.#path);
      if (space === null) return null;
      this.#lookedMs = systemClock.monotonic();
      this.#leftBytes = space.freeBytes - reserveOf(space);
      if (this.#leftBytes < needed) return full(this.#path, space);
    }
    this.#leftBytes -= needed;
    return null;
  }
}

function full(path: string, space: Space): StoreFullError {
  return new StoreFullError(
    `the disk of the database "${path}" has ${bytesText(space.freeBytes)} left, of which the last ` +
      `${bytesText(reserveOf(space))} are kept for the jobs that are there: no job was added. Make room on the disk; ` +
      'adding works again as soon as there is some.',
  );
}

function bytesOf(call: Call): number {
  let bytes = 0;
  for (const effect of effectsOf(call)) {
    if (effect.op !== 'add') continue;
    // A call that is not well-formed fails where it is run.
    for (const { body } of effect.jobs) bytes += ((body as Bytes | null)?.byteLength ?? 0) + BYTES_A_JOB;
  }
  return bytes * COPIES;
}

function effectsOf({ verb, args }: Call): readonly Effect[] {
  return verb === 'apply' ? (args[0] as readonly Effect[]) : [];
}
