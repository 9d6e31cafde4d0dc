/** The verbs that the engine runs, and which of them may write. */

import { apply } from './apply.ts';
import { claim } from './claim.ts';
import { dumpPart, planDump } from './dump.ts';
import { feed } from './feed.ts';
import { find } from './find.ts';
import { attempts, audit, job, logs, queues } from './inspect.ts';
import { operations } from './operations.ts';
import { renew } from './renew.ts';
import { beat, endSession, leases, sessions } from './sessions.ts';
import { commit } from './settle.ts';
import { stats } from './stats.ts';
import type { Transaction } from './transaction.ts';
import { upkeep } from './upkeep.ts';
import { verify } from './verify.ts';

const WRITES = { apply, claim, commit, renew, beat, endSession, upkeep, feed };
const READS = {
  job,
  attempts,
  logs,
  find,
  queues,
  stats,
  sessions,
  leases,
  operations,
  audit,
  verify,
  planDump,
  dumpPart,
};
const VERBS: Readonly<Record<VerbName, unknown>> = { ...WRITES, ...READS };

export type VerbName =
  | 'apply'
  | 'claim'
  | 'commit'
  | 'renew'
  | 'beat'
  | 'endSession'
  | 'upkeep'
  | 'feed'
  | 'job'
  | 'attempts'
  | 'logs'
  | 'find'
  | 'queues'
  | 'stats'
  | 'sessions'
  | 'leases'
  | 'operations'
  | 'audit'
  | 'verify'
  | 'planDump'
  | 'dumpPart';

/** One call as it goes to the engine. `now`: the caller's own clock; null for the engine's. */
export interface Call {
  readonly id: number;
  readonly verb: VerbName;
  readonly args: readonly unknown[];
  readonly now: number | null;
  /** The workers of this process know already that jobs are added. */
  readonly foretold?: boolean;
}

export function mayWrite({ verb }: Call): boolean {
  return Object.hasOwn(WRITES, verb);
}

/** The arguments were checked by the guard and typed by the store's own verbs. */
export function runCall(tx: Transaction, { verb, args }: Call): unknown {
  const run = VERBS[verb] as (tx: Transaction, ...args: readonly unknown[]) => unknown;
  return run(tx, ...args);
}
