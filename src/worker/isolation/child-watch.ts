/**
 * Runs on a thread of a child process, beside the processor that may block it: ends the process when its parent is
 * gone, and when it uses more memory than it may.
 */

import { workerData } from 'node:worker_threads';
import { sleep, systemClock } from '../../runtime/clock.ts';
import { endWithAll, sayLast } from './child-port.ts';

const { parent, maxMemoryMb } = workerData as { parent: number; maxMemoryMb: number | null };
const MB = 1024 * 1024;
/** Memory is taken fast. */
const EVERY_MS = maxMemoryMb === null ? 1_000 : 50;

for (;;) {
  const usedMb = process.memoryUsage.rss() / MB;
  if (maxMemoryMb !== null && usedMb > maxMemoryMb) {
    sayLast({ kind: 'memory', usedMb: Math.round(usedMb) });
    endWithAll();
  }
  if (process.ppid !== parent) endWithAll();
  await sleep(systemClock, EVERY_MS);
}
