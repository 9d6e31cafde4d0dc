/** The commands, each loaded when it is asked for: a look from a shell shall not wait for what the others need. */

import type { Command } from 'commander';
import type { Cli } from './cli.ts';

/** Puts a command, with its help, into the program. */
export type AddCommand = (program: Command, cli: Cli) => void;

/** In the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  work: async () => (await import('./commands/work.ts')).addWork,
  add: async () => (await import('./commands/add.ts')).addAdd,
  status: async () => (await import('./commands/status.ts')).addStatus,
  jobs: async () => (await import('./commands/jobs.ts')).addJobs,
  dead: async () => (await import('./commands/dead.ts')).addDead,
  queues: async () => (await import('./commands/queues.ts')).addQueues,
  ops: async () => (await import('./commands/ops.ts')).addOps,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctor,
  migrate: async () => (await import('./commands/migrate.ts')).addMigrate,
  history: async () => (await import('./commands/history.ts')).addHistory,
};

/** The one that is named first; all of them for the help, for a word that is none, and after an option. */
export async function commandsFor([first = '']: readonly string[]): Promise<readonly AddCommand[]> {
  const only = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  const wanted = only === undefined ? Object.values(COMMANDS) : [only];
  return Promise.all(wanted.map((load) => load()));
}
