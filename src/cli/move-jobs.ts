/** Moves jobs one by one in a batch and says what became of each. */

import type { JobRecord } from '../job/record.ts';
import type { Effect, MoveOutcome } from '../store/store.ts';
import { applyEffects } from './apply.ts';
import { answer } from './cli.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Opened } from './open-store.ts';
import { printTable } from './table.ts';

export interface Moved {
  readonly queue: string;
  readonly id: string;
  readonly outcome: MoveOutcome['outcome'];
  /** The state that stood in the way. */
  readonly state: string | null;
}

/** Effects of one call. */
const BATCH = 500;

export async function moveAll(
  opened: Opened,
  jobs: readonly JobRecord[],
  effectFor: (job: JobRecord) => Effect,
): Promise<Moved[]> {
  const moved: Moved[] = [];
  for (let start = 0; start < jobs.length; start += BATCH) {
    moved.push(...(await moveBatch(opened, jobs.slice(start, start + BATCH), effectFor)));
  }
  return moved;
}

async function moveBatch(
  opened: Opened,
  jobs: readonly JobRecord[],
  effectFor: (job: JobRecord) => Effect,
): Promise<Moved[]> {
  const results = await applyEffects(opened, jobs.map(effectFor));
  return jobs.map(({ queue, id }, index) => {
    const result = results[index] as unknown as MoveOutcome;
    const state = result.outcome === 'wrong-state' ? result.state : null;
    return { queue, id, outcome: result.outcome, state };
  });
}

export async function moveJobs(
  opened: Opened,
  jobs: readonly JobRecord[],
  effectFor: (job: JobRecord) => Effect,
): Promise<ExitCode> {
  const moved = await moveAll(opened, jobs, effectFor);
  const done = moved.filter((each) => each.outcome === 'ok').length;
  answer(opened, { jobs: moved, done, skipped: moved.length - done }, () =>
    printTable(
      opened.cli.terminal.out,
      [{ title: 'Queue' }, { title: 'Id' }, { title: 'Outcome' }],
      moved.map((each) => [each.queue, each.id, outcomeText(each)]),
    ),
  );
  if (done === moved.length) return EXIT.ok;
  return moved.every((each) => each.outcome === 'ok' || each.outcome === 'gone') ? EXIT.notFound : EXIT.error;
}

function outcomeText({ outcome, state }: Moved): string {
  if (outcome === 'ok') return 'ok';
  if (outcome === 'wrong-state') return `not done: it is ${state}`;
  if (outcome === 'duplicate') return 'not done: the queue has a job with this id';
  return 'not done: it is gone';
}
