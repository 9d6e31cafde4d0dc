/** When `--once` and `--drain` are done. */

import type { QueueSummary, Store } from '../store/store.ts';
import type { FoundWorker } from './import-modules.ts';

export type Until = 'once' | 'drain';

/**
 * Whether nothing is left to do. `drain`: nothing waits or is active in the queues, whoever runs it. `once`: nothing
 * waits, and nothing is active here. Jobs of a paused queue are not waited for: nobody gives them out.
 */
export async function isDone(found: readonly FoundWorker[], until: Until): Promise<boolean> {
  for (const [store, workers] of byStore(found)) {
    const queues = [...new Set(workers.map(({ worker }) => worker.name))];
    const summaries = await store.queues(queues);
    if (summaries.some(isReady)) return false;
    const active = summaries.some(({ counts }) => counts.active > 0);
    if (active && (until === 'drain' || (await runsHere(store, workers, queues)))) return false;
  }
  return true;
}

/** Jobs can be claimed: they wait, or they are due and wait for the next claim to promote them. */
function isReady({ counts, nextDueInMs, settings }: QueueSummary): boolean {
  return !settings.paused && (counts.waiting > 0 || nextDueInMs === 0);
}

function byStore(found: readonly FoundWorker[]): Map<Store, FoundWorker[]> {
  const stores = new Map<Store, FoundWorker[]>();
  for (const each of found) stores.set(each.store, [...(stores.get(each.store) ?? []), each]);
  return stores;
}

async function runsHere(
  store: Store,
  workers: readonly FoundWorker[],
  queues: readonly string[],
): Promise<boolean> {
  const ids = new Set(workers.map(({ worker }) => worker.id));
  let cursor: string | null = null;
  do {
    const page = await store.find({ queues, states: ['active'] }, { cursor, limit: 1_000 });
    if (page.jobs.some((job) => job.worker !== null && ids.has(job.worker))) return true;
    cursor = page.cursor;
  } while (cursor !== null);
  return false;
}

/** Queues that are paused with jobs in them, for a remark at the end. */
export async function pausedWith(found: readonly FoundWorker[]): Promise<string[]> {
  const remarks: string[] = [];
  for (const [store, workers] of byStore(found)) {
    const summaries = await store.queues([...new Set(workers.map(({ worker }) => worker.name))]);
    for (const { queue, counts, settings } of summaries) {
      if (settings.paused && counts.waiting > 0)
        remarks.push(`${queue} is paused with ${counts.waiting} ready`);
    }
  }
  return remarks;
}
