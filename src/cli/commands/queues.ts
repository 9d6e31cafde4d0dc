/** `millrace queues`: the queues and their settings, and what is done to a queue as a whole. */

import type { Command } from 'commander';
import { ActiveJobsError, InvalidOptionError } from '../../errors.ts';
import { JOB_STATES } from '../../job/record.ts';
import { countOf, formatCount, formatDuration } from '../../job/wording.ts';
import type { Effect, QueueSummary, Swept } from '../../store/store.ts';
import { applyEffects, requireQueues } from '../apply.ts';
import { answer, type Cli } from '../cli.ts';
import { confirm } from '../confirm.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type Opened, withStore } from '../open-store.ts';
import { type Cell, type Column, printTable } from '../table.ts';

interface PauseOptions {
  readonly all?: boolean;
}

interface RemoveOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly delayed?: boolean;
  readonly force?: boolean;
}

export function addQueues(program: Command, cli: Cli): void {
  const queues = program.command('queues').description('list queues, pause, resume, drain or delete them');
  queues
    .command('ls')
    .description('list the queues with their counts and settings')
    .argument('[queues...]', 'only these')
    .action((names: string[], _: unknown, command: Command) =>
      withStore(cli, command, 'existing', (opened) => list(opened, names)),
    );
  for (const paused of [true, false]) {
    queues
      .command(paused ? 'pause' : 'resume')
      .description(paused ? 'stop giving out jobs; running attempts go on' : 'give out jobs again')
      .argument('[queues...]', 'names of queues')
      .option('--all', 'every queue')
      .action((names: string[], _: unknown, command: Command) =>
        withStore<PauseOptions>(cli, command, 'existing', (opened) => setPaused(opened, names, paused)),
      );
  }
  queues
    .command('drain')
    .description('remove the jobs that wait; active and finished ones stay')
    .argument('<queue>')
    .option('--delayed', 'delayed jobs too')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'only say what would be removed')
    .action((queue: string, _: unknown, command: Command) =>
      withStore<RemoveOptions>(cli, command, 'existing', (opened) => drain(opened, queue)),
    );
  queues
    .command('obliterate')
    .description('delete a queue with everything in it, for good')
    .argument('<queue>')
    .option('--force', 'even while jobs are active')
    .option('--yes', 'do not ask for the name')
    .option('--dry-run', 'only say what would be deleted')
    .action((queue: string, _: unknown, command: Command) =>
      withStore<RemoveOptions>(cli, command, 'existing', (opened) => obliterate(opened, queue)),
    );
}

const COLUMNS: readonly Column[] = [
  { title: 'Queue', flexible: true },
  { title: 'State' },
  ...['Waiting', 'Active', 'Delayed', 'Failed', 'Completed', 'Cancelled'].map(
    (title) => ({ title, align: 'right' }) as const,
  ),
  { title: 'Objective', align: 'right' },
  { title: 'Dead letters to', flexible: true },
  { title: 'Delivery' },
];

async function list(opened: Opened, names: readonly string[]): Promise<ExitCode> {
  const queues = names.length === 0 ? await opened.store.queues() : await requireQueues(opened, names);
  answer(opened, { queues }, () => printTable(opened.cli.terminal.out, COLUMNS, queues.map(rowOf)));
  return EXIT.ok;
}

function rowOf({ queue, settings, counts }: QueueSummary): Cell[] {
  return [
    queue,
    settings.paused ? { text: 'paused', tint: 'warn' } : 'running',
    String(counts.waiting),
    String(counts.active),
    String(counts.delayed),
    counts.failed > 0 ? { text: String(counts.failed), tint: 'bad' } : '0',
    String(counts.completed),
    String(counts.cancelled),
    formatDuration(settings.objectiveMs),
    settings.deadLetterQueue ?? '-',
    settings.delivery,
  ];
}

async function setPaused(
  opened: Opened<PauseOptions>,
  names: readonly string[],
  paused: boolean,
): Promise<ExitCode> {
  if ((names.length === 0) !== (opened.options.all === true)) {
    const message = 'name the queues, or say --all';
    throw new InvalidOptionError('the command line', [{ path: 'queues', message }]);
  }
  const found = names.length === 0 ? await opened.store.queues() : await requireQueues(opened, names);
  const effects = found.map(({ queue }): Effect => ({ op: 'configure', queue, patch: { paused } }));
  if (effects.length > 0) await applyEffects(opened, effects);
  const queues = found.map(({ queue, settings }) => ({ queue, changed: settings.paused !== paused }));
  answer(opened, { paused, queues }, () => {
    const verb = paused ? 'paused' : 'resumed';
    for (const { queue, changed } of queues) {
      opened.cli.terminal.out.write(`${queue}\t${changed ? verb : `was ${verb} already`}\n`);
    }
  });
  return EXIT.ok;
}

async function drain(opened: Opened<RemoveOptions>, queue: string): Promise<ExitCode> {
  const { options } = opened;
  const [summary] = await requireQueues(opened, [queue]);
  const waiting = summary?.counts.waiting ?? 0;
  const delayed = options.delayed === true ? (summary?.counts.delayed ?? 0) : 0;
  const what = `${countOf(waiting, 'waiting job')}${options.delayed === true ? ` and ${countOf(delayed, 'delayed job')}` : ''}`;
  if (options.dryRun === true) return wouldRemove(opened, queue, { what, count: waiting + delayed });
  const text = `This removes ${what} of queue ${queue} for good.`;
  if (!(await confirm(opened.cli, options, { text }))) return EXIT.error;
  const removed = await sweep(opened, queue, (before) => ({
    op: 'drain',
    queue,
    delayed: options.delayed === true,
    before,
  }));
  return saidRemoved(opened, queue, removed);
}

async function obliterate(opened: Opened<RemoveOptions>, queue: string): Promise<ExitCode> {
  const { options } = opened;
  const [summary] = await requireQueues(opened, [queue]);
  const counts = JOB_STATES.map((state) => [state, summary?.counts[state] ?? 0] as const);
  const count = counts.reduce((sum, [, number]) => sum + number, 0);
  const parts = counts
    .filter(([, number]) => number > 0)
    .map(([state, number]) => `${formatCount(number)} ${state}`);
  const what = `${countOf(count, 'job')}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
  if (options.dryRun === true) return wouldRemove(opened, queue, { what, count });
  const text = `This deletes queue ${queue} with its settings, its statistics and ${what} for good.`;
  if (!(await confirm(opened.cli, options, { text, word: queue }))) return EXIT.error;
  const removed = await sweep(opened, queue, () => ({
    op: 'obliterate',
    queue,
    force: options.force === true,
  }));
  return saidRemoved(opened, queue, removed);
}

function wouldRemove(
  opened: Opened,
  queue: string,
  { what, count }: { readonly what: string; readonly count: number },
): ExitCode {
  answer(opened, { queue, dryRun: true, wouldRemove: count }, () =>
    opened.cli.terminal.out.write(`would remove ${what} of queue ${queue}; nothing was done\n`),
  );
  return EXIT.ok;
}

function saidRemoved(opened: Opened, queue: string, removed: number): ExitCode {
  answer(opened, { queue, removed }, () =>
    opened.cli.terminal.out.write(`removed ${countOf(removed, 'job')} of queue ${queue}\n`),
  );
  return EXIT.ok;
}

/** Repeats a bounded effect until it has nothing left to do; answers how many jobs are gone. */
async function sweep(
  opened: Opened,
  queue: string,
  effectAfter: (before: number | null) => Effect,
): Promise<number> {
  let removed = 0;
  let before: number | null = null;
  for (;;) {
    const effect: Effect = effectAfter(before);
    const swept = (await applyEffects(opened, [effect]))[0] as Swept;
    if (swept.outcome === 'active') throw new ActiveJobsError(queue);
    removed += swept.removed;
    before = swept.before;
    if (!swept.more) return removed;
  }
}
