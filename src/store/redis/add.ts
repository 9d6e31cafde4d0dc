import type { AddOutcome, NewJob } from '../store.ts';
import type { Cursor } from './cursor.ts';
import { packJob } from './pack-job.ts';
import type { Arg } from './reply.ts';

/** Runs of jobs of one queue, in their order. */
export function putJobs(args: Arg[], jobs: readonly NewJob[]): void {
  const runs: { readonly queue: string; readonly packed: Buffer[] }[] = [];
  for (const job of jobs) {
    const last = runs.at(-1);
    if (last?.queue === job.queue) last.packed.push(packJob(job));
    else runs.push({ queue: job.queue, packed: [packJob(job)] });
  }
  args.push(runs.length);
  for (const { queue, packed } of runs) {
    args.push(queue, packed.length);
    for (const each of packed) args.push(each);
  }
}

export function takeAdded(cursor: Cursor, jobs: readonly Pick<NewJob, 'id'>[]): AddOutcome[] {
  const marks = cursor.text();
  return jobs.map(({ id }, index) => ({ id, outcome: marks[index] === 'c' ? 'created' : 'duplicate' }));
}
