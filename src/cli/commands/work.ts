/** `millrace work`: runs the workers of the user's modules until it is told to stop, or until nothing is left. */

import process from 'node:process';
import type { Command } from 'commander';
import { InvalidOptionError } from '../../errors.ts';
import { sleep } from '../../runtime/clock.ts';
import { onTermination } from '../../runtime/signals.ts';
import { type Cli, type GlobalOptions, note } from '../cli.ts';
import { EXIT } from '../exit-codes.ts';
import { type FoundWorker, importModules } from '../import-modules.ts';
import { isDone, pausedWith, type Until } from '../work-end.ts';
import { WorkLog } from '../work-log.ts';

interface WorkOptions extends GlobalOptions {
  readonly once?: boolean;
  readonly drain?: boolean;
}

const EXAMPLES = `
Examples:
  millrace work jobs.mjs
  millrace work workers/*.mjs --json
  millrace work jobs.mjs --drain          (cron, CI)

The first SIGTERM or Ctrl-C waits for the jobs that run, the second ends the process at once.`;

export function addWork(program: Command, cli: Cli): void {
  program
    .command('work')
    .description('run the workers that the modules make')
    .argument('<files...>', 'modules that construct a Worker')
    .option('--once', 'end when nothing is ready for this process')
    .option('--drain', 'end when nothing waits and nothing is active in the queues')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], _: unknown, command: Command) => {
      // Whatever happens, what the modules hold open must not keep the process alive.
      cli.endProcess();
      await work(cli, files, command.optsWithGlobals<WorkOptions>());
    });
}

async function work(cli: Cli, files: readonly string[], options: WorkOptions): Promise<void> {
  if (options.once === true && options.drain === true) {
    const message = 'excludes --drain';
    throw new InvalidOptionError('the command line', [{ path: '--once', message }]);
  }
  // Queues and workers that name no connection take this one.
  const named = options.store || options.connection;
  if (named) process.env['MILLRACE_URL'] = named;
  const log = new WorkLog({ cli, options });
  const found = await importModules(files, ({ worker }) => log.follow(worker));
  if (found.length === 0) throw noWorkers(files);
  log.tell({ event: 'started', queues: [...new Set(found.map(({ worker }) => worker.name))] });
  await runUntilEnd(cli, found, { log, options });
  cli.exit(EXIT.ok);
}

function noWorkers(files: readonly string[]): InvalidOptionError {
  const message = `made no Worker while it loaded. Write new Worker('queue', processor) in it`;
  return new InvalidOptionError('the command line', [{ path: files.join(', '), message }]);
}

interface Running {
  readonly log: WorkLog;
  readonly options: WorkOptions;
}

async function runUntilEnd(
  cli: Cli,
  found: readonly FoundWorker[],
  { log, options }: Running,
): Promise<void> {
  const stop = new AbortController();
  const ignoreSignals = onTermination((signal) => {
    log.tell({ event: 'stopping', signal });
    stop.abort();
  });
  const onUnread = (): void => stop.abort();
  cli.terminal.unread.addEventListener('abort', onUnread);
  try {
    await Promise.race([closedOrFailed(found), aborted(stop.signal), ended(cli, found, { options, stop })]);
    stop.abort();
  } finally {
    await Promise.all(found.map(({ worker }) => worker.close()));
    ignoreSignals();
    cli.terminal.unread.removeEventListener('abort', onUnread);
  }
  log.tell({ event: 'stopped' });
}

/** Until the modules have closed their workers themselves; rejects when a store can never be opened. */
async function closedOrFailed(found: readonly FoundWorker[]): Promise<void> {
  await Promise.all(found.flatMap(({ worker }) => [untilClosed(worker), untilReady(worker)]));
}

async function untilClosed(worker: FoundWorker['worker']): Promise<void> {
  try {
    await worker.run();
  } catch (error) {
    if (!isClosed(error)) throw error;
  }
}

/** A store that is away may come back, and the worker tries on; anything else does not mend itself. */
async function untilReady(worker: FoundWorker['worker']): Promise<void> {
  try {
    await worker.waitUntilReady();
  } catch (error) {
    if (!isAway(error) && !isClosed(error)) throw error;
  }
}

// By code, not by class: the module may have loaded a copy of the package of its own.
const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;
const isAway = (error: unknown): boolean => codeOf(error) === 'MILLRACE_STORE_UNAVAILABLE';
const isClosed = (error: unknown): boolean => codeOf(error) === 'MILLRACE_CLOSED';

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Between two looks whether anything is left to do. */
const LOOK_MS = 100;

async function ended(
  cli: Cli,
  found: readonly FoundWorker[],
  { options, stop }: { readonly options: WorkOptions; readonly stop: AbortController },
): Promise<void> {
  const until: Until | null = options.once === true ? 'once' : options.drain === true ? 'drain' : null;
  if (until === null) return aborted(stop.signal);
  while (!stop.signal.aborted && !(await isDoneOrAway(found, until))) {
    await sleep(cli.clock, LOOK_MS, stop.signal);
  }
  if (!stop.signal.aborted)
    for (const remark of await pausedWith(found)) note({ cli, options }, `${remark}.`);
}

/** While the store is away nothing is known, so the work is not done. */
async function isDoneOrAway(found: readonly FoundWorker[], until: Until): Promise<boolean> {
  try {
    return await isDone(found, until);
  } catch (error) {
    if (isAway(error) || isClosed(error)) return false;
    throw error;
  }
}
