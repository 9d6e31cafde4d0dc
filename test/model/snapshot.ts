import type { JobRecord } from '../../src/job/record.ts';
import type { OperationRecord, QueueSummary, Store } from '../../src/store/store.ts';

/** What an onlooker sees of a store between two calls. */
export interface Snapshot {
  readonly jobs: ReadonlyMap<string, JobRecord>;
  readonly queues: ReadonlyMap<string, QueueSummary>;
  readonly running: readonly OperationRecord[];
}

export const EMPTY: Snapshot = { jobs: new Map(), queues: new Map(), running: [] };

export const keyOf = ({ queue, id }: { readonly queue: string; readonly id: string }): string =>
  `${queue}/${id}`;

/** The worlds of these tests are small: one page holds them. */
export async function snapshotOf(store: Store): Promise<Snapshot> {
  const [{ jobs }, queues, operations] = await Promise.all([
    store.find({}, { cursor: null, limit: 1_000, scan: 10_000 }),
    store.queues(),
    store.operations(),
  ]);
  return {
    jobs: new Map(jobs.map((job) => [keyOf(job), job])),
    queues: new Map(queues.map((queue) => [queue.queue, queue])),
    running: operations.filter(({ state }) => state === 'running'),
  };
}
