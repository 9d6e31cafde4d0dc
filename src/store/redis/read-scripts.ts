/** The scripts of the verbs that read, joined from their parts. */

import { FEED } from './lua/feed.ts';
import {
  FIND,
  READ_ALL_QUEUES,
  READ_ATTEMPTS,
  READ_JOB,
  READ_LEASES,
  READ_LOGS,
  READ_OPERATIONS,
  READ_QUEUES,
  READ_SESSIONS,
  SAY_LISTS,
  SAY_QUEUES,
} from './lua/reads.ts';
import { LEASES_OF } from './lua/sessions.ts';
import { READ_STATS, SAY_STATS } from './lua/stats.ts';
import { DUMP, SAY_WHOLE, VERIFY_QUEUE, VERIFY_REST, WHOLE_JOBS } from './lua/verify.ts';
import { readScript, type Script, script } from './script.ts';
import { MOVES } from './scripts.ts';

export const JOB_OF: Script = readScript('job', ...MOVES, READ_JOB);
export const ATTEMPTS_OF: Script = readScript('attempts', ...MOVES, READ_ATTEMPTS);
export const LOGS_OF: Script = readScript('logs', ...MOVES, READ_LOGS);
export const FIND_JOBS: Script = readScript('find', ...MOVES, FIND);
export const QUEUES: Script = readScript('queues', ...MOVES, SAY_QUEUES, READ_QUEUES);
export const ALL_QUEUES: Script = readScript('all-queues', ...MOVES, SAY_QUEUES, READ_ALL_QUEUES);
export const STATS_OF: Script = readScript('stats', ...MOVES, SAY_STATS, READ_STATS);
export const LEASES: Script = readScript('leases', ...MOVES, LEASES_OF, READ_LEASES);
export const SESSIONS: Script = readScript('sessions', ...MOVES, SAY_LISTS, READ_SESSIONS);
export const OPERATIONS_OF: Script = readScript('operations', ...MOVES, SAY_LISTS, READ_OPERATIONS);
/** Asking keeps the recording on, and so it writes. */
export const FEED_OF: Script = script('feed', ...MOVES, FEED);
export const VERIFY_ONE_QUEUE: Script = readScript('verify-queue', ...MOVES, VERIFY_QUEUE);
export const VERIFY_OTHERS: Script = readScript('verify-others', ...MOVES, LEASES_OF, VERIFY_REST);
export const DUMP_ALL: Script = readScript(
  'dump',
  ...MOVES,
  SAY_QUEUES,
  SAY_LISTS,
  SAY_STATS,
  SAY_WHOLE,
  DUMP,
);
export const JOBS_WHOLE: Script = readScript('jobs', ...MOVES, SAY_WHOLE, WHOLE_JOBS);
