/** `millrace dead replay|discard`: failed jobs as a bulk action, letters in other queues one after another. */

import type { Command } from 'commander';
import type { JobFilter } from '../../job/filter.ts';
import type { JobRecord } from '../../job/record.ts';
import { formatCount } from '../../job/wording.ts';
import { sleep } from '../../runtime/clock.ts';
import type { Effect } from '../../store/store.ts';
import { answer, type Cli } from '../cli.ts';
import { confirm } from '../confirm.ts';
import {
  isMovedLetter,
  type LetterSources,
  letterSources,
  movedLetters,
  replayTarget,
} from '../dead-letters.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { followOperation, startOperation } from '../follow-operation.ts';
import { countMatching, type Matching, matchingText, showSample } from '../matching.ts';
import { moveAll, moveJobs } from '../move-jobs.ts';
import { type Opened, withStore } from '../open-store.ts';
import { findJob, selectionOf } from '../selection.ts';
import { type ActOptions, actOptions, nothingMatches, refOf, refuseDetach, wouldTouch } from './jobs-act.ts';
import { SEARCH_HELP } from './jobs-ls.ts';

interface LetterAction {
  readonly verb: 'replay' | 'discard';
  readonly kind: 'redrive' | 'discard';
  readonly description: string;
  readonly effect: (job: JobRecord, options: ActOptions) => Effect;
}

const ACTIONS: readonly LetterAction[] = [
  {
    verb: 'replay',
    kind: 'redrive',
    description: 'send dead letters back: to the queue they came from, or --to another',
    effect: (job, { to }) => ({ op: 'redrive', job: refOf(job), toQueue: to ?? replayTarget(job) }),
  },
  {
    verb: 'discard',
    kind: 'discard',
    description: 'delete dead letters with their history',
    effect: (job) => ({ op: 'discard', job: refOf(job) }),
  },
];

export function addDeadAct(dead: Command, cli: Cli): void {
  for (const action of ACTIONS) {
    const command = actOptions(dead.command(action.verb).description(action.description));
    if (action.kind === 'redrive') command.option('--to <queue>', 'send them to another queue');
    command
      .argument('[jobs...]', 'ids, queue/id, or a search; without any, all that --queue leaves')
      .addHelpText('after', SEARCH_HELP)
      .action((words: string[], _: unknown, self: Command) =>
        withStore<ActOptions>(cli, self, 'existing', (opened) => act(opened, action, words)),
      );
  }
}

async function act(
  opened: Opened<ActOptions>,
  action: LetterAction,
  words: readonly string[],
): Promise<ExitCode> {
  const { options, store } = opened;
  const selection = await selectionOf(opened, words);
  if (selection.kind === 'search') return actOnSearch(opened, action, selection.filter);
  const jobs: JobRecord[] = [];
  for (const id of selection.ids) jobs.push(await findJob(store, id, options.queue));
  if (options.dryRun === true) return wouldTouch(opened, { count: jobs.length, exact: true, sample: jobs });
  return moveJobs(opened, jobs, (job) => action.effect(job, options));
}

async function actOnSearch(
  opened: Opened<ActOptions>,
  action: LetterAction,
  asked: JobFilter,
): Promise<ExitCode> {
  const { cli, options, shared } = opened;
  const sources = await letterSources(opened, asked);
  const failed = await countMatching(opened, sources.failed);
  const moved = sources.moved === null ? NONE : await countMatching(opened, sources.moved, isMovedLetter);
  const matching = together(failed, moved);
  if (options.dryRun === true) return wouldTouch(opened, matching);
  if (matching.count === 0) return nothingMatches(opened);
  if (moved.count > 0) refuseDetach(options);
  if (options.yes !== true) showSample(opened, matching, shared.clock.now());
  const text = `This will ${action.verb} ${matchingText(matching)}.`;
  if (!(await confirm(cli, options, { text }))) return EXIT.error;
  const wanted = {
    failed: failed.count > 0 ? sources.failed : null,
    moved: moved.count > 0 ? sources.moved : null,
  };
  return carryOut(opened, action, wanted);
}

const NONE: Matching = { count: 0, exact: true, sample: [] };

function together(a: Matching, b: Matching): Matching {
  const sample = [...a.sample, ...b.sample].slice(0, 5);
  return { count: a.count + b.count, exact: a.exact && b.exact, sample };
}

interface Tally {
  done: number;
  skipped: number;
}

type Wanted = { readonly failed: JobFilter | null } & Pick<LetterSources, 'moved'>;

async function carryOut(
  opened: Opened<ActOptions>,
  action: LetterAction,
  { failed, moved }: Wanted,
): Promise<ExitCode> {
  const { out } = opened.cli.terminal;
  const tally: Tally = { done: 0, skipped: 0 };
  const id = failed === null ? null : await startOperation(opened, action.kind, failed);
  if (id !== null && opened.options.detach === true) {
    answer(opened, { operation: id, state: 'running' }, () => out.write(`bulk action ${id} has begun\n`));
    return EXIT.ok;
  }
  const operation = id === null ? null : await followOperation(opened, id);
  tally.done += operation?.done ?? 0;
  tally.skipped += operation?.skipped ?? 0;
  const aborted = operation?.state === 'aborted';
  if (moved !== null && !aborted) await moveLetters(opened, action, { filter: moved, tally });
  answer(opened, { operation: id, state: aborted ? 'aborted' : 'done', ...tally }, () => {
    const left = tally.skipped === 0 ? '' : `, ${formatCount(tally.skipped)} skipped`;
    out.write(`${action.verb}: ${formatCount(tally.done)} done${left}\n`);
  });
  return aborted ? EXIT.error : EXIT.ok;
}

/** Jobs of one step when there is no rate. */
const STEP = 200;
/** With a rate the steps are small, so that a burst does not hit what has just recovered. */
const STEPS_A_SECOND = 10;

/** Each letter goes to a queue of its own, which a bulk action cannot do; so they are moved from here, in steps. */
async function moveLetters(
  opened: Opened<ActOptions>,
  action: LetterAction,
  { filter, tally }: { readonly filter: JobFilter; readonly tally: Tally },
): Promise<void> {
  const { cli, options } = opened;
  const { rate } = options;
  const step = rate === undefined ? STEP : Math.min(STEP, Math.max(1, Math.floor(rate / STEPS_A_SECOND)));
  let batch: JobRecord[] = [];
  let owedMs = 0;
  const send = async (): Promise<void> => {
    await sleep(cli.clock, owedMs);
    const results = await moveAll(opened, batch, (job) => action.effect(job, options));
    const done = results.filter((result) => result.outcome === 'ok').length;
    tally.done += done;
    tally.skipped += results.length - done;
    batch = [];
    owedMs = rate === undefined ? 0 : (results.length / rate) * 1_000;
  };
  for await (const job of movedLetters(opened, filter)) {
    batch.push(job);
    if (batch.length >= step) await send();
  }
  if (batch.length > 0) await send();
}
