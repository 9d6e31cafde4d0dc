/** `millrace jobs show`: everything that is kept of a job. */

import type { Command } from 'commander';
import { MAX_LOG_LINES } from '../../job/limits.ts';
import { answer, type Cli } from '../cli.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { printJob } from '../job-page.ts';
import { jobAsJson } from '../job-view.ts';
import { type Opened, withStore } from '../open-store.ts';
import { findJob } from '../selection.ts';

interface ShowOptions {
  readonly queue?: string;
}

/** The same page under `jobs` and under `dead`. */
export function addShow(parent: Command, cli: Cli): void {
  parent
    .command('show')
    .description('show a job with its payload, every attempt, error and log line')
    .argument('<id>', 'an id, or queue/id')
    .option('--queue <queue>', 'the queue the id is in')
    .action((id: string, _: unknown, command: Command) =>
      withStore<ShowOptions>(cli, command, 'existing', (opened) => show(opened, id)),
    );
}

async function show(opened: Opened<ShowOptions>, id: string): Promise<ExitCode> {
  const { cli, options, shared, store } = opened;
  const job = await findJob(store, id, options.queue);
  const [attempts, logs] = await Promise.all([store.attempts(job), store.logs(job, 0, MAX_LOG_LINES)]);
  answer(opened, { ...jobAsJson(job), attempts, logs }, () =>
    printJob(cli.terminal.out, { job, attempts, logs }, shared.clock.now()),
  );
  return EXIT.ok;
}
