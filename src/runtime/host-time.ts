/** Time that all processes of one machine share, for putting their records side by side. */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Milliseconds since some moment that is the same for all processes since the machine started. Never goes back. */
export function hostMonotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The machine and this start of it; null where the system does not tell one start from another. */
export function bootId(): string | null {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${hostname()} ${id}`;
  } catch {
    return null;
  }
}
