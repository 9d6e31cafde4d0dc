/** What is wrong with a history: by the checker of histories, and by what only a simulator can see. */

import { checkHistory, type Violation } from '../../src/history/index.ts';
import type { Store } from '../../src/store/store.ts';
import type { Book } from './book.ts';
import type { Outcome } from './simulate.ts';
import type { World } from './world.ts';

const ORDERED = { ordered: true } as const;

type Violations = Outcome['violations'][number][];

export interface Judged {
  readonly truth: Book;
  readonly seen: Book;
  /** Processes that were asked to close and did not. */
  readonly missing: number;
  readonly store: Store;
}

export async function judge(world: World, { truth, seen, missing, store }: Judged): Promise<Violations> {
  const own: Violations = [];
  const add = (check: Violation['check'], message: string): void =>
    void own.push({ check, message, lines: [] });
  for (const message of world.broken) add('S0', message);
  for (const message of world.runs.twice) add('S5', message);
  for (const { check, message } of await store.verify()) add('A1', `${check}: ${message}`);
  if (missing > 0) add('L4', `${missing} processes did not come to an end after they were asked to`);
  for (const message of waiting(world)) add('L1', message);
  return [
    ...own,
    ...checkHistory(truth.lines, ORDERED).violations,
    ...checkHistory(seen.lines, ORDERED).violations,
  ];
}

/** After the rest nothing may wait that somebody serves. */
function waiting({ scenario, state }: World): string[] {
  return scenario.queues.flatMap(({ name }) => {
    const jobs = [...(state.queues.get(name)?.jobs.values() ?? [])];
    return jobs
      .filter(({ record }) => !['completed', 'failed', 'cancelled'].includes(record.state))
      .map(({ record }) => `job ${name}/${record.id} is still ${record.state} though all is well again`);
  });
}
