/** `millrace dead`: the dead letters, wherever they are kept. */

import type { Command } from 'commander';
import type { JobFilter } from '../../job/filter.ts';
import { MAX_SCAN } from '../../job/limits.ts';
import type { JobRecord } from '../../job/record.ts';
import { answer, type Cli, note } from '../cli.ts';
import { isMovedLetter, letterSources } from '../dead-letters.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { printJobs } from '../job-table.ts';
import { jobAsJson } from '../job-view.ts';
import { type Opened, withStore } from '../open-store.ts';
import { parseLimit } from '../parse-number.ts';
import { searchOf } from '../selection.ts';
import { addDeadAct } from './dead-act.ts';
import { SEARCH_HELP } from './jobs-ls.ts';
import { addShow } from './jobs-show.ts';

interface ListOptions {
  readonly queue?: string;
  readonly limit: number;
  readonly cursor?: string;
}

export function addDead(program: Command, cli: Cli): void {
  const dead = program.command('dead').description('list, show, replay and discard dead letters');
  dead
    .command('ls')
    .description('list dead letters: failed jobs, then those in queues that keep the dead letters of others')
    .argument('[search...]', 'conditions, for example error:"timed out" since:2h')
    .option('--queue <queue>', 'only this queue')
    .option('--limit <n>', 'jobs at most', parseLimit, 50)
    .option('--cursor <cursor>', 'go on after the page that ended with this cursor')
    .addHelpText('after', SEARCH_HELP)
    .action((words: string[], _: unknown, command: Command) =>
      withStore<ListOptions>(cli, command, 'existing', (opened) => list(opened, words)),
    );
  addShow(dead, cli);
  addDeadAct(dead, cli);
}

async function list(opened: Opened<ListOptions>, words: readonly string[]): Promise<ExitCode> {
  const { cli, shared } = opened;
  const filter = await searchOf(opened, words);
  const { jobs, cursor } = await letters(opened, filter);
  answer(opened, { jobs: jobs.map(jobAsJson), cursor }, () =>
    printJobs(cli.terminal.out, jobs, shared.clock.now()),
  );
  if (jobs.length === 0 && cursor === null) note(opened, 'No dead letters.');
  if (cursor !== null) note(opened, `More: --cursor '${cursor}'`);
  return EXIT.ok;
}

interface Letters {
  readonly jobs: readonly JobRecord[];
  readonly cursor: string | null;
}

const FAILED = 'failed:';
const MOVED = 'moved:';

/** One page over both sources; the cursor remembers in which one it is. */
async function letters(opened: Opened<ListOptions>, filter: JobFilter): Promise<Letters> {
  const { options, store } = opened;
  const { failed, moved } = await letterSources(opened, filter);
  const { limit } = options;
  const from = options.cursor ?? FAILED;
  if (from.startsWith(FAILED)) {
    const page = await store.find(failed, {
      cursor: from.slice(FAILED.length) || null,
      limit,
      scan: MAX_SCAN,
    });
    if (page.cursor !== null) return { jobs: page.jobs, cursor: FAILED + page.cursor };
    if (moved === null) return { jobs: page.jobs, cursor: null };
    if (page.jobs.length === limit) return { jobs: page.jobs, cursor: MOVED };
    const rest = await store.find(moved, { cursor: null, limit: limit - page.jobs.length, scan: MAX_SCAN });
    return { jobs: [...page.jobs, ...rest.jobs.filter(isMovedLetter)], cursor: movedCursor(rest.cursor) };
  }
  if (moved === null) return { jobs: [], cursor: null };
  const page = await store.find(moved, { cursor: from.slice(MOVED.length) || null, limit, scan: MAX_SCAN });
  return { jobs: page.jobs.filter(isMovedLetter), cursor: movedCursor(page.cursor) };
}

function movedCursor(cursor: string | null): string | null {
  return cursor === null ? null : MOVED + cursor;
}
