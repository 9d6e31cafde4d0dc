/** `millrace migrate`: the tables of the store, for those who make them apart from the work. */

import type { Command } from 'commander';
import { InvalidOptionError, UnsupportedError } from '../../errors.ts';
import type { MigrationState, Migrations } from '../../store/migrations.ts';
import { answer, type Cli } from '../cli.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type Opened, withStore } from '../open-store.ts';

interface SqlOptions {
  readonly from?: string;
  readonly role?: string;
}

export function addMigrate(program: Command, cli: Cli): void {
  const migrate = program.command('migrate').description('make and update the tables of the store');
  migrate
    .command('up')
    .description('bring the tables up to this release; other processes wait meanwhile')
    .action((_: unknown, command: Command) => run(cli, command, up));
  migrate
    .command('status')
    .description('say what the tables are at; exit code 3 when they are behind this release')
    .action((_: unknown, command: Command) => run(cli, command, status));
  migrate
    .command('sql')
    .description('print the statements instead of running them')
    .option('--from <version>', 'only the steps after this version')
    .option(
      '--role <name>',
      'and what this role needs to be granted, to work without the right to make tables',
    )
    .action((_: unknown, command: Command) => run<SqlOptions>(cli, command, printSql));
}

type Work<Options extends object> = (opened: Opened<Options>, migrations: Migrations) => Promise<ExitCode>;

function run<Options extends object>(cli: Cli, command: Command, work: Work<Options>): Promise<void> {
  return withStore<Options>(cli, command, 'make', async (opened) => {
    const migrations = await opened.shared.migrations?.();
    if (migrations === undefined) {
      throw new UnsupportedError(
        `the store ${opened.shared.url} has no tables; there is nothing to migrate.`,
      );
    }
    try {
      return await work(opened, migrations);
    } finally {
      await migrations.close();
    }
  });
}

async function up(opened: Opened, migrations: Migrations): Promise<ExitCode> {
  const { found, release } = await migrations.up();
  answer(opened, { store: opened.shared.url, from: found, to: Math.max(found, release) }, () => {
    const text = found >= release ? `at ${found} already` : `brought from ${found} to ${release}`;
    opened.cli.terminal.out.write(`The tables of ${opened.shared.url} are ${text}.\n`);
  });
  return EXIT.ok;
}

async function status(opened: Opened, migrations: Migrations): Promise<ExitCode> {
  const state = await migrations.state();
  const { found, release } = state;
  const pending = Math.max(0, release - found);
  answer(opened, { store: opened.shared.url, found, release, pending }, () =>
    opened.cli.terminal.out.write(`The tables of ${opened.shared.url} are ${inWords(state)}.\n`),
  );
  return pending === 0 ? EXIT.ok : EXIT.checkFailed;
}

function inWords({ found, release }: MigrationState): string {
  if (found === 0) return `not there yet; this release has ${release}. Run "millrace migrate up"`;
  if (found === release) return `at ${found}, as this release has them`;
  if (found > release) return `at ${found}, from a newer release; this one has ${release}`;
  return `at ${found}; this release has ${release}. Run "millrace migrate up"`;
}

async function printSql(opened: Opened<SqlOptions>, migrations: Migrations): Promise<ExitCode> {
  const { from, role } = opened.options;
  const script = migrations.sql({ from: versionOf(from), ...(role !== undefined && { role }) });
  answer(opened, { store: opened.shared.url, sql: script }, () => opened.cli.terminal.out.write(script));
  return EXIT.ok;
}

function versionOf(text: string | undefined): number {
  if (text === undefined) return 0;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidOptionError('millrace migrate sql', [
    { path: '--from', message: `must be a version of the tables, such as 1; is "${text}"` },
  ]);
}
