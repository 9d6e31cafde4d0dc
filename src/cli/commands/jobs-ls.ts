/** `millrace jobs ls`: the jobs a search means, a page at a time. */

import type { Command } from 'commander';
import { formatCount } from '../../job/wording.ts';
import { answer, type Cli, note } from '../cli.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { printJobs } from '../job-table.ts';
import { jobAsJson } from '../job-view.ts';
import { type Opened, withStore } from '../open-store.ts';
import { parseLimit } from '../parse-number.ts';
import { searchOf } from '../selection.ts';

interface ListOptions {
  readonly queue?: string;
  readonly limit: number;
  readonly cursor?: string;
  readonly oldest?: boolean;
}

export const SEARCH_HELP = `
A search is made of conditions that all hold: state:failed,delayed queue:emails name:welcome id:42
error:"ECONNRESET" cause:crashed since:2h older:7d attempts:>2 priority:<5 data.user.id:42`;

export function addJobsLs(jobs: Command, cli: Cli): void {
  jobs
    .command('ls')
    .description('list jobs, newest first')
    .argument('[search...]', 'conditions, for example state:failed queue:emails since:2h')
    .option('--queue <queue>', 'only this queue')
    .option('--limit <n>', 'jobs at most', parseLimit, 50)
    .option('--cursor <cursor>', 'go on after the page that ended with this cursor')
    .option('--oldest', 'added first, first')
    .addHelpText('after', SEARCH_HELP)
    .action((words: string[], _: unknown, command: Command) =>
      withStore<ListOptions>(cli, command, 'existing', (opened) => list(opened, words)),
    );
}

async function list(opened: Opened<ListOptions>, words: readonly string[]): Promise<ExitCode> {
  const { cli, options, shared, store } = opened;
  const filter = await searchOf(opened, words);
  const page = await store.find(filter, {
    cursor: options.cursor ?? null,
    limit: options.limit,
    order: options.oldest === true ? 'oldest' : 'newest',
  });
  const { cursor, scanned, complete } = page;
  answer(opened, { jobs: page.jobs.map(jobAsJson), cursor, scanned, complete }, () =>
    printJobs(cli.terminal.out, page.jobs, shared.clock.now()),
  );
  if (!complete) {
    note(opened, `Looked at ${formatCount(scanned)} jobs and stopped there; there may be more.`);
  }
  if (cursor !== null) note(opened, `More: --cursor '${cursor}'`);
  return EXIT.ok;
}
