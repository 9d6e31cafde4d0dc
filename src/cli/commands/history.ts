/** `millrace history`: what recorded histories prove, and what they prove wrong. */

import type { Command } from 'commander';
import type { CheckReport, HistoryLine, Violation } from '../../history/index.ts';
import { formatCount, formatDuration } from '../../job/wording.ts';
import { answer, type Cli, type GlobalOptions, type Speaker } from '../cli.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { wholeNumber } from '../parse-number.ts';
import { safeText } from '../safe-text.ts';
import { type Column, printTable } from '../table.ts';

interface HistoryCommandOptions extends GlobalOptions {
  readonly complete?: boolean;
  readonly tolerance?: number;
}

export function addHistory(program: Command, cli: Cli): void {
  const history = program
    .command('history')
    .description('histories that MILLRACE_HISTORY recorded: check them, sum them up');
  const take = (name: string, description: string): Command =>
    history
      .command(name)
      .description(description)
      .argument('<paths...>', 'files, and folders of .jsonl files')
      .option('--complete', 'every process that used the store is in these files, from its beginning')
      .option(
        '--tolerance <ms>',
        'how far clocks of different machines may be apart',
        wholeNumber(0, 3_600_000),
      );
  take('check', 'look for broken promises; exit code 3 if there is one').action(
    (paths: string[], _: unknown, command: Command) => judge(cli, command, paths, answerCheck),
  );
  take('summary', 'what is in them').action((paths: string[], _: unknown, command: Command) =>
    judge(cli, command, paths, answerSummary),
  );
}

interface Judged {
  readonly report: CheckReport;
  readonly files: number;
  readonly torn: number;
}

/** The checker is loaded when it is asked for; no other command pays for it. */
async function judge(
  cli: Cli,
  command: Command,
  paths: readonly string[],
  tell: (speaker: Speaker, judged: Judged) => ExitCode,
): Promise<void> {
  const { checkHistory, readHistory } = await import('../../history/index.ts');
  const options = command.optsWithGlobals<HistoryCommandOptions>();
  const { lines, files, torn } = readHistory(paths);
  const report = checkHistory(lines, {
    ...(options.complete === true && { complete: true }),
    ...(options.tolerance !== undefined && { toleranceMs: options.tolerance }),
  });
  cli.exit(tell({ cli, options }, { report, files: files.length, torn }));
}

/** Enough to find the line in its file. */
function placeOf({ process, seq, op, kind }: HistoryLine): object {
  return { process, seq, op, kind };
}

function answerCheck(speaker: Speaker, { report, files, torn }: Judged): ExitCode {
  const violations = report.violations.map((violation) => ({
    ...violation,
    lines: violation.lines.map(placeOf),
  }));
  answer(speaker, { ...report, violations, files, torn }, () => {
    const { out } = speaker.cli.terminal;
    const made = report.made.filter(({ judged }) => judged > 0).length;
    const verdict = report.ok ? 'No promise was broken' : `${formatCount(violations.length)} broken promises`;
    out.write(
      `${verdict}: ${made} checks made on ${formatCount(report.figures.lines)} lines of ${files} files.\n`,
    );
    for (const violation of report.violations) out.write(`\n${inWords(violation)}`);
    out.write('\nNot checked:\n');
    for (const { check, reason } of report.notMade) out.write(`  ${check.padEnd(4)} ${safeText(reason)}\n`);
    for (const { check, judged } of report.made) {
      if (judged === 0) out.write(`  ${check.padEnd(4)} nothing in these histories could break it\n`);
    }
  });
  return report.ok ? EXIT.ok : EXIT.checkFailed;
}

function inWords({ check, message, lines }: Violation): string {
  const places = lines.map(
    ({ process, seq, op, kind }) => `       ${safeText(process)} line ${seq}: ${op} ${kind}\n`,
  );
  return `${check.padEnd(5)}  ${safeText(message)}\n${places.join('')}`;
}

const COLUMNS: readonly Column[] = [{ title: 'What' }, { title: 'Count', align: 'right' }];

function answerSummary(speaker: Speaker, { report, files, torn }: Judged): ExitCode {
  const { figures } = report;
  answer(speaker, { figures, files, torn, ok: report.ok }, () => {
    const { calls, lateWrites, duplicates } = figures;
    const rows: [string, number][] = [
      ['files', files],
      ['processes', figures.processes],
      ['lines', figures.lines],
      ['lines that are torn', torn],
      ['calls answered', calls.ok],
      ['calls refused', calls.refused],
      ['calls whose outcome is unknown', calls.unknown],
      ['jobs acknowledged', figures.jobsAcknowledged],
      ['claims', figures.claims],
      ['runs', figures.runs],
      ['leases taken back', figures.reclaimed],
      ['late writes refused', lateWrites.refused],
      ...Object.entries(figures.faults).map(([fault, count]): [string, number] => [`fault: ${fault}`, count]),
      ...Object.entries(duplicates.explained).map(([why, count]): [string, number] => [
        `ran again: ${why}`,
        count,
      ]),
      ['ran again for no known reason', duplicates.unexplained],
      ['broken promises', report.violations.length],
    ];
    const { out } = speaker.cli.terminal;
    printTable(
      out,
      COLUMNS,
      rows.map(([what, count]) => [what, formatCount(count)]),
    );
    const slowest = figures.recoveryMs.at(-1);
    if (slowest !== undefined)
      out.write(`Slowest recovery of a dead worker's job: ${formatDuration(slowest)}\n`);
  });
  return EXIT.ok;
}
