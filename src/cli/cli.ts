/** What every command is handed: the outside world, so that tests can be that world. */

import type { SharedStore } from '../connect.ts';
import type { Clock } from '../runtime/clock.ts';
import type { MakeId } from '../runtime/ids.ts';
import type { ExitCode } from './exit-codes.ts';
import { toJson } from './json-text.ts';
import type { Environment, Terminal } from './terminal.ts';

export interface Cli {
  readonly terminal: Terminal;
  readonly env: Environment;
  readonly clock: Clock;
  readonly makeId: MakeId;
  /** Who is written into the audit trail. */
  readonly actor: string;
  readonly connect: (url: string) => SharedStore;
  /** The exit code of the command, told once it is known. */
  readonly exit: (code: ExitCode) => void;
  /** For a command that loaded the user's modules: what they hold open must not keep the process alive. */
  readonly endProcess: () => void;
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly store?: string;
  /** The same. */
  readonly connection?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** What the commands need to speak: where to, and whether to a person or to a script. */
export interface Speaker {
  readonly cli: Cli;
  readonly options: GlobalOptions;
}

/** The answer of a command: one line of JSON with `--json`, else what is said to people. */
export function answer({ cli, options }: Speaker, value: object, forPeople: () => void): void {
  if (options.json === true) cli.terminal.out.write(`${toJson(value)}\n`);
  else forPeople();
}

/** A remark beside the answer, on standard error. Scripts get everything from the answer itself. */
export function note({ cli, options }: Speaker, text: string): void {
  if (options.json !== true) cli.terminal.err.write(`${text}\n`);
}
