/** Opens the store a command works on, and closes it whatever happens, so that commands exit by themselves. */

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { DEFAULT_URL, type SharedStore } from '../connect.ts';
import { NotFoundError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Cli, GlobalOptions } from './cli.ts';
import type { ExitCode } from './exit-codes.ts';

/** A command at work: its options, and the store they lead to. */
export interface Opened<Options extends object = object> {
  readonly cli: Cli;
  readonly options: Options & GlobalOptions;
  readonly shared: SharedStore;
  readonly store: Store;
}

export function storeUrl(cli: Cli, options: GlobalOptions): string {
  return options.store || options.connection || cli.env['MILLRACE_URL'] || DEFAULT_URL;
}

/**
 * Runs the command's body with the store. `existing`: looking at a store that is not there must not make one,
 * or a typing error in the address would leave an empty database behind and an answer that all is quiet. `look`: the
 * command says itself what it thinks of one that is not there.
 */
export async function withStore<Options extends object>(
  cli: Cli,
  command: Command,
  access: 'existing' | 'look' | 'make',
  body: (opened: Opened<Options>) => Promise<ExitCode>,
): Promise<void> {
  const options = command.optsWithGlobals<Options & GlobalOptions>();
  const url = storeUrl(cli, options);
  const shared = cli.connect(access === 'make' ? url : withoutMigration(url));
  try {
    if (access === 'existing') requireStore(shared);
    cli.exit(await body({ cli, options, shared, store: shared.store }));
  } finally {
    await shared.release();
  }
}

/** Who only looks makes no tables either, and may have no right to. */
export function withoutMigration(url: string): string {
  if (!/^postgres(ql)?:/i.test(url) || /[?&]migrate=/.test(url)) return url;
  return `${url}${url.includes('?') ? '&' : '?'}migrate=false`;
}

function requireStore({ url }: SharedStore): void {
  const path = storeFile(url);
  if (path === null || existsSync(path)) return;
  throw new NotFoundError(
    `there is no store at ${url}. It is made by the first job: run "millrace add <queue> <name> [json]" or ` +
      '"millrace work <files…>", or name another store with --store or MILLRACE_URL.',
  );
}

/** The file of an embedded store; null for stores that are no file. */
export function storeFile(url: string): string | null {
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : ':memory:';
  return path === ':memory:' ? null : path;
}
