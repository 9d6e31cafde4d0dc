/** `millrace doctor`: is this machine and this store fit for the work; every finding says what to do. */

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { MillraceError } from '../../errors.ts';
import { machine } from '../../runtime/machine.ts';
import type { Durability, Finding, Store } from '../../store/store.ts';
import { answer, type Cli } from '../cli.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type Opened, storeFile, withStore } from '../open-store.ts';
import { safeText } from '../safe-text.ts';
import { paintFor, type Tint } from '../style.ts';
import type { Sink } from '../terminal.ts';

interface DoctorOptions {
  readonly verify?: boolean;
}

export function addDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('check the store, its durability and this Node; exit code 3 on an error')
    .option('--verify', 'recount everything in the store too, which takes time')
    .action((_: unknown, command: Command) =>
      withStore<DoctorOptions>(cli, command, 'look', (opened) => examine(opened)),
    );
}

async function examine(opened: Opened<DoctorOptions>): Promise<ExitCode> {
  const { shared, options } = opened;
  const path = storeFile(shared.url);
  const findings = [nodeFinding(process.versions.node)];
  if (path !== null && !existsSync(path)) findings.push(...(await withoutStore(opened)));
  else findings.push(...(await findingsOf(opened.store, options.verify === true)));
  const failed = findings.some((finding) => finding.severity === 'error');
  answer(opened, { store: shared.url, version: machine.version, ok: !failed, findings }, () =>
    printFindings(opened.cli.terminal.out, findings),
  );
  return failed ? EXIT.checkFailed : EXIT.ok;
}

const MIN_NODE = [20, 19] as const;

/** The oldest Node that the package is tested on. */
export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const recent = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
  return {
    severity: recent ? 'ok' : 'error',
    check: 'node',
    message: `Node ${version} on ${process.platform} ${process.arch}, millrace ${machine.version}`,
    advice: recent ? '' : `Install Node ${MIN_NODE.join('.')} or newer.`,
  };
}

/** Nothing is made by a check-up; that a store could be opened here is tried in memory. */
async function withoutStore(opened: Opened): Promise<Finding[]> {
  const trial = opened.cli.connect('sqlite::memory:');
  try {
    const findings = await findingsOf(trial.store, false);
    const problems = findings.filter((finding) => finding.severity === 'error' || finding.check === 'driver');
    return [missing(opened.shared.url), ...problems];
  } finally {
    await trial.release();
  }
}

function missing(url: string): Finding {
  return {
    severity: 'warning',
    check: 'store',
    message: `there is no store at ${url} yet`,
    advice:
      'It is made by the first job. If there should be one, check --store, MILLRACE_URL and the folder.',
  };
}

async function findingsOf(store: Store, verify: boolean): Promise<Finding[]> {
  try {
    const found = await store.doctor();
    const told = found.some((finding) => finding.check === 'durability');
    const durability = told ? [] : [durabilityFinding(await store.durability())];
    return [...found, ...durability, ...(verify ? verified(await store.verify()) : [])];
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return [
      {
        severity: 'error',
        check: 'store',
        message: error.message,
        advice: `What else it may be: docs/reference/trouble.md (${error.code}).`,
      },
    ];
  }
}

const DURABLE: Readonly<Record<Durability['level'], string>> = {
  memory: 'acknowledged jobs live in memory only and end with the process',
  os: 'acknowledged jobs survive a crash of the process, not a power cut',
  disk: 'acknowledged jobs survive a power cut',
  replicated: 'acknowledged jobs survive the loss of a machine',
};

export function durabilityFinding({ level, detail }: Durability): Finding {
  const weak = level === 'memory' || level === 'os';
  return {
    severity: weak ? 'warning' : 'ok',
    check: 'durability',
    message: `${DURABLE[level]} (${detail})`,
    advice: weak
      ? 'Use a store on disk, for example --store sqlite:./jobs.db, for work that must not be lost.'
      : '',
  };
}

function verified(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length > 0) return findings;
  return [{ severity: 'ok', check: 'verify', message: 'all counts and references are right', advice: '' }];
}

const SIGNS: Readonly<Record<Finding['severity'], readonly [string, Tint]>> = {
  ok: ['ok     ', 'good'],
  warning: ['warning', 'warn'],
  error: ['error  ', 'bad'],
};

function printFindings(out: Sink, findings: readonly Finding[]): void {
  const paint = paintFor(out);
  for (const { severity, check, message, advice } of findings) {
    const [sign, tint] = SIGNS[severity];
    out.write(`${paint(tint, sign)}  ${safeText(check)}: ${safeText(message)}\n`);
    if (advice !== '') out.write(`         → ${safeText(advice)}\n`);
  }
}
