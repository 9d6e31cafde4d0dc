/** `millrace add`: one job from the command line, or one a line from a file or standard input. */

import { type FileHandle, open } from 'node:fs/promises';
import type { Command } from 'commander';
import { InvalidOptionError, JobNotFoundError } from '../../errors.ts';
import {
  DEFAULT_MAX_PAYLOAD_BYTES,
  HARD_MAX_PAYLOAD_BYTES,
  MAX_ATTEMPTS,
  MAX_PRIORITY,
} from '../../job/limits.ts';
import { formatCount } from '../../job/wording.ts';
import { clientFor } from '../../queue/client.ts';
import { awaitResult } from '../../queue/result.ts';
import type { AddOutcome } from '../../store/store.ts';
import { addLines, type LineInput } from '../add-lines.ts';
import { applyEffects } from '../apply.ts';
import { answer, type Cli, note } from '../cli.ts';
import { parseDuration } from '../duration.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { bytesAsJson, jsonTextOf } from '../json-text.ts';
import { type JobFlags, jobMaker } from '../new-job.ts';
import { type Opened, withStore } from '../open-store.ts';
import { wholeNumber } from '../parse-number.ts';
import { readPayload } from '../payload-text.ts';
import { safeText } from '../safe-text.ts';

interface AddOptions extends JobFlags {
  readonly file?: string;
  readonly idFrom?: string;
  readonly maxBytes: number;
  readonly wait?: boolean;
  readonly waitTimeout?: string;
}

/** What the command is about: the arguments before the options. */
interface Request {
  readonly queue: string;
  readonly name: string;
  readonly json: string | undefined;
}

const EXAMPLES = `
Examples:
  millrace add emails welcome '{"to":"ada@example.org"}' --delay 10m --attempts 5 --backoff exponential:2s
  millrace add reports monthly '{"month":"2026-03"}' --wait --wait-timeout 2m
  millrace add orders process --file orders.ndjson --id-from orderId
  zcat events.ndjson.gz | millrace add events import -`;

export function addAdd(program: Command, cli: Cli): void {
  const command = program
    .command('add')
    .description('add one job, or one for each line of a file or of standard input')
    .argument('<queue>', 'made if it is not there')
    .argument('<name>', 'name of the job')
    .argument('[json]', 'the payload; "-" reads one payload a line from standard input');
  addOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((queue: string, name: string, json: string | undefined, _: unknown, self: Command) =>
      withStore<AddOptions>(cli, self, 'make', (opened) => add(opened, { queue, name, json })),
    );
}

function addOptions(command: Command): Command {
  const collect = (pair: string, before: readonly string[] = []): string[] => [...before, pair];
  return command
    .option('--file <path>', 'one payload a line from this file')
    .option('--id <id>', 'own id: adding it again makes no second job')
    .option('--id-from <path>', 'with lines: take the id from the payload, for example order.id')
    .option('--delay <time>', 'time before it may run, for example 10m')
    .option('--priority <n>', '0 is the default and the first', wholeNumber(0, MAX_PRIORITY))
    .option('--lifo', 'before the jobs of its priority that wait already')
    .option('--attempts <n>', 'attempts before it is a dead letter', wholeNumber(1, MAX_ATTEMPTS))
    .option('--backoff <type:time>', 'wait before a retry: fixed:5s, exponential:2s')
    .option('--timeout <time>', 'longest run of an attempt')
    .option('--ttl <time>', 'cancel it if it was not started within this time')
    .option('--header <name=value>', 'a header that rides along; may be repeated', collect)
    .option(
      '--max-bytes <n>',
      'largest payload',
      wholeNumber(1, HARD_MAX_PAYLOAD_BYTES),
      DEFAULT_MAX_PAYLOAD_BYTES,
    )
    .option('--wait', 'wait for the job to end and print its result')
    .option('--wait-timeout <time>', 'wait no longer than this; the job goes on');
}

async function add(opened: Opened<AddOptions>, request: Request): Promise<ExitCode> {
  const { options } = opened;
  const lines = options.file !== undefined || request.json === '-';
  checkTogether(options, request, lines);
  return lines ? addFromLines(opened, request) : addOne(opened, request);
}

function checkTogether(options: AddOptions, request: Request, lines: boolean): void {
  const problems = [
    lines &&
      options.id !== undefined && { path: '--id', message: 'is for one job; use --id-from with lines' },
    lines && options.wait === true && { path: '--wait', message: 'is for one job, not for lines' },
    !lines && options.idFrom !== undefined && { path: '--id-from', message: 'is for lines; use --id' },
    options.file !== undefined &&
      request.json !== undefined && { path: '--file', message: 'excludes a payload on the command line' },
    options.waitTimeout !== undefined &&
      options.wait !== true && { path: '--wait-timeout', message: 'has a meaning with --wait only' },
  ].filter((problem) => problem !== false);
  if (problems.length > 0) throw new InvalidOptionError('the command line', problems);
}

async function addOne(opened: Opened<AddOptions>, { queue, name, json }: Request): Promise<ExitCode> {
  const { cli, options } = opened;
  const { body } = readPayload(json ?? 'null', options.maxBytes);
  const job = jobMaker(queue, name, options, cli.makeId).make(body);
  const [result] = await applyEffects(opened, [{ op: 'add', jobs: [job] }]);
  const outcome = result?.op === 'add' ? (result.jobs[0]?.outcome ?? 'created') : 'created';
  if (options.wait === true) return waitFor(opened, { queue, id: job.id, outcome });
  answer(opened, { queue, id: job.id, outcome }, () =>
    cli.terminal.out.write(`${safeText(queue)}\t${safeText(job.id)}\t${outcome}\n`),
  );
  return EXIT.ok;
}

async function waitFor(
  opened: Opened<AddOptions>,
  { queue, id, outcome }: AddOutcome & { readonly queue: string },
): Promise<ExitCode> {
  const { cli, options, shared, store } = opened;
  const record = await store.job({ queue, id });
  if (record === null) throw new JobNotFoundError(queue, id);
  note(opened, `Added ${queue}/${safeText(id)} (${outcome}); waiting for it to end.`);
  const timeout = options.waitTimeout;
  const limits = timeout === undefined ? {} : { timeout: parseDuration(timeout, '--wait-timeout') };
  const value = await awaitResult(clientFor(shared), record, limits);
  // The stored text has every digit of a large number; a job that is not kept leaves only the value.
  const ended = (await store.job({ queue, id }))?.result ?? new TextEncoder().encode(JSON.stringify(value));
  answer(opened, { queue, id, outcome, state: 'completed', result: bytesAsJson(ended) }, () =>
    cli.terminal.out.write(`${safeText(jsonTextOf(ended) ?? 'null')}\n`),
  );
  return EXIT.ok;
}

async function addFromLines(opened: Opened<AddOptions>, { queue, name }: Request): Promise<ExitCode> {
  const { cli, options } = opened;
  const maker = jobMaker(queue, name, options, cli.makeId);
  const file = options.file === undefined ? null : await openFile(options.file);
  try {
    const tally = await addLines(opened, maker, await inputOf(opened, file));
    answer(opened, { queue, ...tally }, () => {
      const rest = [
        tally.duplicates > 0 ? `, ${formatCount(tally.duplicates)} were there already` : '',
        tally.malformed > 0 ? `, ${formatCount(tally.malformed)} malformed lines were left out` : '',
      ];
      cli.terminal.out.write(`added ${formatCount(tally.added)} jobs to ${queue}${rest.join('')}\n`);
    });
    return tally.malformed > 0 ? EXIT.error : EXIT.ok;
  } finally {
    await file?.close();
  }
}

async function inputOf({ cli, options }: Opened<AddOptions>, file: FileHandle | null): Promise<LineInput> {
  const shared = { maxBytes: options.maxBytes, idPath: options.idFrom?.split('.') ?? null };
  if (file === null) return { ...shared, chunks: cli.terminal.input(), bytes: null };
  const { size } = await file.stat();
  return { ...shared, chunks: file.createReadStream({ autoClose: false }), bytes: size };
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (error) {
    const message = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    throw new InvalidOptionError('the command line', [{ path: '--file', message }]);
  }
}
