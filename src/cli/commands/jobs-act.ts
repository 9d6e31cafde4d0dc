/** `millrace jobs retry|cancel|discard|promote`: on jobs by their ids at once, on a search as a bulk action. */

import type { Command } from 'commander';
import { InvalidOptionError } from '../../errors.ts';
import type { JobFilter } from '../../job/filter.ts';
import { type OperationKind, operationFilter } from '../../job/operation.ts';
import type { JobRecord } from '../../job/record.ts';
import { formatCount } from '../../job/wording.ts';
import type { Effect } from '../../store/store.ts';
import { answer, type Cli } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type BulkOptions, followOperation, startOperation } from '../follow-operation.ts';
import { printJobs } from '../job-table.ts';
import { jobAsJson } from '../job-view.ts';
import { countMatching, type Matching, matchingText, showSample } from '../matching.ts';
import { moveJobs } from '../move-jobs.ts';
import { type Opened, withStore } from '../open-store.ts';
import { parseRate } from '../parse-number.ts';
import { findJob, selectionOf } from '../selection.ts';
import { SEARCH_HELP } from './jobs-ls.ts';

export interface ActOptions extends BulkOptions {
  readonly queue?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

interface Action {
  readonly verb: string;
  readonly kind: OperationKind;
  readonly description: string;
  readonly effect: (job: JobRecord, options: ActOptions) => Effect;
}

const ACTIONS: readonly Action[] = [
  {
    verb: 'retry',
    kind: 'redrive',
    description: 'give jobs that failed, were cancelled or completed a new life',
    effect: (job, options) => ({ op: 'redrive', job: refOf(job), toQueue: options.to ?? null }),
  },
  {
    verb: 'cancel',
    kind: 'cancel',
    description: 'end jobs that have not ended; a running one is asked to stop',
    effect: (job, options) => ({
      op: 'cancel',
      job: refOf(job),
      reason: options.reason ?? 'cancelled from the command line',
    }),
  },
  {
    verb: 'discard',
    kind: 'discard',
    description: 'delete jobs with their history; not while they run',
    effect: (job) => ({ op: 'discard', job: refOf(job) }),
  },
  {
    verb: 'promote',
    kind: 'promote',
    description: 'make delayed jobs ready now',
    effect: (job) => ({ op: 'promote', job: refOf(job) }),
  },
];

export function refOf({ queue, id }: JobRecord): { readonly queue: string; readonly id: string } {
  return { queue, id };
}

export function addJobsAct(jobs: Command, cli: Cli): void {
  for (const action of ACTIONS) {
    const command = actOptions(jobs.command(action.verb).description(action.description));
    if (action.kind === 'redrive') command.option('--to <queue>', 'send them to another queue');
    command
      .argument('<jobs...>', 'ids, queue/id, or a search such as state:failed since:2h')
      .addHelpText('after', SEARCH_HELP)
      .action((words: string[], _: unknown, self: Command) =>
        withStore<ActOptions>(cli, self, 'existing', (opened) => act(opened, action, words)),
      );
  }
}

/** Options of every command that moves many jobs. */
export function actOptions(command: Command): Command {
  return command
    .option('--queue <queue>', 'only in this queue')
    .option('--rate <rate>', 'jobs at most, for example 10/s', parseRate)
    .option('--reason <text>', 'why, for the record')
    .option('--detach', 'start a bulk action and leave it to the workers')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'only show which jobs are meant');
}

async function act(opened: Opened<ActOptions>, action: Action, words: readonly string[]): Promise<ExitCode> {
  const { options, store } = opened;
  const selection = await selectionOf(opened, words);
  if (selection.kind === 'search') return actOnSearch(opened, action, selection.filter);
  const jobs: JobRecord[] = [];
  for (const id of selection.ids) jobs.push(await findJob(store, id, options.queue));
  if (options.dryRun === true) return wouldTouch(opened, { count: jobs.length, exact: true, sample: jobs });
  if (options.rate === undefined) {
    return moveJobs(opened, jobs, (job) => action.effect(job, options));
  }
  const queues = [...new Set(jobs.map((job) => job.queue))];
  return runOperation(opened, action, { queues, ids: jobs.map((job) => job.id) });
}

async function actOnSearch(opened: Opened<ActOptions>, action: Action, asked: JobFilter): Promise<ExitCode> {
  const { cli, options, shared } = opened;
  const filter = operationFilter(action.kind, asked);
  const matching = await countMatching(opened, filter);
  if (options.dryRun === true) return wouldTouch(opened, matching);
  if (matching.count === 0) return nothingMatches(opened);
  if (options.yes !== true) showSample(opened, matching, shared.clock.now());
  const text = `This will ${action.verb} ${matchingText(matching)}.`;
  if (!(await confirm(cli, options, { text }))) return EXIT.error;
  return runOperation(opened, action, filter);
}

export function nothingMatches(opened: Opened): ExitCode {
  answer(opened, { done: 0, skipped: 0, operation: null }, () =>
    opened.cli.terminal.out.write('no job matches; nothing was done\n'),
  );
  return EXIT.ok;
}

export function wouldTouch(opened: Opened, matching: Matching): ExitCode {
  const { cli, shared } = opened;
  const { count, exact, sample } = matching;
  answer(opened, { dryRun: true, matching: count, exact, sample: sample.map(jobAsJson) }, () => {
    printJobs(cli.terminal.out, sample, shared.clock.now());
    cli.terminal.err.write(`${matchingText(matching)} match; nothing was done\n`);
  });
  return EXIT.ok;
}

async function runOperation(
  opened: Opened<ActOptions>,
  action: Action,
  filter: JobFilter,
): Promise<ExitCode> {
  const { out } = opened.cli.terminal;
  const id = await startOperation(opened, action.kind, filter);
  if (opened.options.detach === true) {
    answer(opened, { operation: id, state: 'running' }, () => out.write(`bulk action ${id} has begun\n`));
    return EXIT.ok;
  }
  const operation = await followOperation(opened, id);
  const { done = 0, skipped = 0, state = 'done' } = operation ?? {};
  answer(opened, { operation: id, state, done, skipped }, () => {
    const left = skipped === 0 ? '' : `, ${formatCount(skipped)} skipped because they changed meanwhile`;
    out.write(`${action.verb}: ${formatCount(done)} done${left}\n`);
  });
  return state === 'aborted' ? EXIT.error : EXIT.ok;
}

/** `--detach` needs a bulk action to leave behind. */
export function refuseDetach(options: ActOptions): void {
  if (options.detach !== true) return;
  const message = 'is for searches over failed jobs; these jobs are moved by this command itself';
  throw new InvalidOptionError('the command line', [{ path: '--detach', message }]);
}
