/** `millrace status`: is work flowing, and if not, why; then one line a queue. */

import type { Command } from 'commander';
import { StoreCorruptError, StoreUnavailableError } from '../../errors.ts';
import { judge, judgeUnreachable, type Verdict } from '../../job/verdict.ts';
import { formatCount, formatDuration } from '../../job/wording.ts';
import type { SessionRecord } from '../../store/store.ts';
import { answer, type Cli } from '../cli.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type Opened, withStore } from '../open-store.ts';
import { safeText } from '../safe-text.ts';
import { paintFor } from '../style.ts';
import { type Cell, type Column, printTable } from '../table.ts';
import type { Sink } from '../terminal.ts';
import { frequentErrors, readVitals, type Survey, type TopError, type Vitals } from '../vitals.ts';

export function addStatus(program: Command, cli: Cli): void {
  program
    .command('status')
    .description('say whether work is flowing and if not why; exit code 3 if not')
    .argument('[queues...]', 'only these')
    .addHelpText('after', '\nRules and what each of them asks you to do: docs/reference/cli.md#status')
    .action((names: string[], _: unknown, command: Command) =>
      withStore(cli, command, 'existing', (opened) => status(opened, names)),
    );
}

async function status(opened: Opened, names: readonly string[]): Promise<ExitCode> {
  try {
    const survey = await readVitals(opened, names);
    const verdict = judge(survey.queues, survey.store);
    const errors = await frequentErrors(opened, verdict);
    return said(opened, { verdict, errors, survey });
  } catch (error) {
    const unreachable = error instanceof StoreUnavailableError || error instanceof StoreCorruptError;
    if (!unreachable) throw error;
    return said(opened, { verdict: judgeUnreachable(error.message), errors: [], survey: null });
  }
}

interface Report {
  readonly verdict: Verdict;
  readonly errors: readonly TopError[];
  /** Null when the store does not answer. */
  readonly survey: Survey | null;
}

function said(opened: Opened, { verdict, errors, survey }: Report): ExitCode {
  const value = {
    store: opened.shared.url,
    ...verdict,
    errors,
    queues: survey?.queues.map(asJson) ?? [],
    workers: survey?.workers.map(workerAsJson) ?? [],
  };
  answer(opened, value, () => {
    const { out } = opened.cli.terminal;
    printVerdict(out, verdict, errors);
    if (survey === null || survey.queues.length === 0) return;
    out.write('\n');
    printTable(out, COLUMNS, survey.queues.map(rowOf));
  });
  return verdict.flowing ? EXIT.ok : EXIT.checkFailed;
}

function asJson(vitals: Vitals): object {
  const { settings, recent, waiting, ...rest } = vitals;
  return {
    ...rest,
    ready: waiting,
    paused: settings.paused,
    objectiveMs: settings.objectiveMs,
    donePerMinute: vitals.donePerMinute,
    recent,
  };
}

function workerAsJson({ id, host, pid, version, queues, startedAt, seenAt, lagMs }: SessionRecord): object {
  return { id, host, pid, version, queues, startedAt, seenAt, lagMs };
}

function printVerdict(out: Sink, verdict: Verdict, errors: readonly TopError[]): void {
  const paint = paintFor(out);
  out.write(`${paint(verdict.flowing ? 'good' : 'bad', `● ${safeText(verdict.headline)}`)}\n`);
  for (const [index, finding] of verdict.findings.entries()) {
    const tint = finding.severity === 'problem' ? 'bad' : 'warn';
    const about = finding.queue === null ? '' : `${finding.queue} `;
    // The first problem stands in the headline already.
    const told = index === 0 && finding.severity === 'problem';
    if (!told) out.write(`  ${paint(tint, finding.severity)}  ${safeText(about + finding.message)}\n`);
    const top = errors.find((error) => finding.rule === 'Failing' && error.queue === finding.queue);
    if (top !== undefined) out.write(`  ${safeText(topErrorText(top))}\n`);
    out.write(`  → ${safeText(finding.advice)}\n`);
  }
}

function topErrorText(top: TopError): string {
  const share = Math.round((top.count / top.of) * 100);
  return `${share} % of the last ${top.of} errors: ${top.name}: ${top.message}`;
}

const COLUMNS: readonly Column[] = [
  { title: 'Queue', flexible: true },
  { title: 'State' },
  { title: 'Ready', align: 'right' },
  { title: 'Active/slots', short: 'Active', align: 'right' },
  { title: 'Delayed', align: 'right' },
  { title: 'Failed', align: 'right' },
  { title: 'Oldest ready', short: 'Oldest', align: 'right' },
  { title: 'Objective', align: 'right', spare: true },
  { title: 'Done/min', align: 'right', spare: true },
];

function rowOf(vitals: Vitals): Cell[] {
  const { settings, oldestReadyMs } = vitals;
  const late = oldestReadyMs !== null && oldestReadyMs > settings.objectiveMs;
  const age = oldestReadyMs === null ? '-' : formatDuration(oldestReadyMs);
  return [
    vitals.queue,
    settings.paused ? { text: 'paused', tint: 'warn' } : vitals.workers === 0 ? 'no workers' : 'running',
    formatCount(vitals.waiting),
    `${vitals.active}/${vitals.slots}`,
    formatCount(vitals.delayed),
    vitals.failed > 0 ? { text: formatCount(vitals.failed), tint: 'bad' } : '0',
    late ? { text: age, tint: 'bad' } : age,
    formatDuration(settings.objectiveMs),
    formatCount(vitals.donePerMinute),
  ];
}
