import { AssertionError } from 'node:assert';
import { type Clock, sleep } from '../runtime/clock.ts';
import { settle } from '../runtime/settle.ts';
import type { QueueSummary, Store } from '../store/store.ts';

/** Real time between two looks, once turns of the event loop alone did not get the work done. */
const LOOK_EVERY_MS = 2;

/**
 * Resolves when no job is active, none could be claimed, and none is due. Jobs of paused queues, and those whose
 * time has not come, may stay.
 *
 * @throws AssertionError naming what is still open after `timeoutMs` of real time.
 */
export async function untilIdle(store: Store, realClock: Clock, timeoutMs: number): Promise<void> {
  const endMs = realClock.monotonic() + timeoutMs;
  // Idle twice in a row: what the last settlement started may be about to add the next job.
  for (let looks = 0; looks < 2; ) {
    const open = await openWork(store);
    looks = open.length === 0 ? looks + 1 : 0;
    if (open.length > 0 && realClock.monotonic() >= endMs) throw stillOpen(open, timeoutMs);
    if (open.length > 0) await sleep(realClock, LOOK_EVERY_MS);
  }
}

async function openWork(store: Store): Promise<string[]> {
  await settle();
  return (await store.queues()).flatMap(openIn);
}

function openIn({ queue, counts, settings, nextDueInMs }: QueueSummary): string[] {
  const parts: string[] = [];
  if (counts.active > 0) parts.push(`${counts.active} active`);
  if (counts.waiting > 0 && !settings.paused) parts.push(`${counts.waiting} waiting`);
  if (nextDueInMs === 0 && !settings.paused) parts.push('a delayed job that is due');
  return parts.length === 0 ? [] : [`queue "${queue}": ${parts.join(', ')}`];
}

function stillOpen(open: readonly string[], timeoutMs: number): AssertionError {
  return new AssertionError({
    message: [
      `not idle after ${timeoutMs} ms:`,
      ...open.map((line) => `  ${line}`),
      'Jobs that stay active run in a processor that does not end, or were claimed and never settled. Jobs that',
      'stay waiting have no worker on this store, or one that is closed, paused or limited.',
    ].join('\n'),
    operator: 'runUntilIdle',
  });
}
