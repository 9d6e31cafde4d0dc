/** The command line as a function: arguments in, exit code out. */

import { Command } from 'commander';
import { machine } from '../runtime/machine.ts';
import type { Cli } from './cli.ts';
import { commandsFor } from './commands.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { reportError } from './report-error.ts';

const EXAMPLES = `
Examples:
  millrace add emails welcome '{"to":"ada@example.org"}' --attempts 5
  millrace work jobs.mjs
  millrace status
  millrace jobs ls 'state:failed queue:emails since:2h'
  millrace dead replay --queue emails --rate 10/s

The store is --store, else MILLRACE_URL, else sqlite:./.millrace/millrace.db.
Exit codes: 0 ok, 1 error, 2 usage, 3 check failed, 4 not found, 5 timed out.`;

/** Runs one command. Never throws: what goes wrong is said on standard error and in the exit code. */
export async function run(argv: readonly string[], world: Omit<Cli, 'exit'>): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const cli: Cli = {
    ...world,
    exit: (known) => {
      code = known;
    },
  };
  try {
    const program = programOf(cli);
    for (const add of await commandsFor(argv)) add(program, cli);
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    const options = { json: argv.includes('--json'), verbose: argv.includes('--verbose') };
    return reportError({ cli, options }, error);
  }
}

function programOf(cli: Cli): Command {
  const { out, err } = cli.terminal;
  return new Command('millrace')
    .description('The job queue for TypeScript.')
    .version(machine.version, '-V, --version', 'print the version')
    .option(
      '--store <url>',
      'the store, for example sqlite:./jobs.db, postgres://localhost/app or redis://localhost',
    )
    .option('--connection <url>', 'the same as --store')
    .option('--json', 'answer in JSON')
    .option('--verbose', 'show the stack of errors')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      getOutHelpWidth: () => (Number.isFinite(out.columns) ? out.columns : 100),
      getErrHelpWidth: () => (Number.isFinite(err.columns) ? err.columns : 100),
      getOutHasColors: () => out.colour,
      getErrHasColors: () => err.colour,
    })
    .showHelpAfterError('Say --help to see how the command is used.')
    .exitOverride()
    .addHelpText('after', EXAMPLES);
}
