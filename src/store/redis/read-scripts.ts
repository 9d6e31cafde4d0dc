/** The scripts of the verbs that read, joined from their parts. */

import { READ_ANSWERS, REQUESTS } from './lua/add.ts';
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
import { BASE } from './scripts.ts';

export const JOB_OF: Script = readScript('job', ...BASE, READ_JOB);
export const ANSWERS_OF: Script = readScript('answers', ...BASE, REQUESTS, READ_ANSWERS);
export const ATTEMPTS_OF: Script = readScript('attempts', ...BASE, READ_ATTEMPTS);
export const LOGS_OF: Script = readScript('logs', ...BASE, READ_LOGS);
export const FIND_JOBS: Script = readScript('find', ...BASE, FIND);
export const QUEUES: Script = readScript('queues', ...BASE, SAY_QUEUES, READ_QUEUES);
export const ALL_QUEUES: Script = readScript('all-queues', ...BASE, SAY_QUEUES, READ_ALL_QUEUES);
export const STATS_OF: Script = readScript('stats', ...BASE, SAY_STATS, READ_STATS);
export const LEASES: Script = readScript('leases', ...BASE, LEASES_OF, READ_LEASES);
export const SESSIONS: Script = readScript('sessions', ...BASE, SAY_LISTS, READ_SESSIONS);
export const OPERATIONS_OF: Script = readScript('operations', ...BASE, SAY_LISTS, READ_OPERATIONS);
/** Asking keeps the recording on, and so it writes. */
export const FEED_OF: Script = script('feed', ...BASE, FEED);
export const VERIFY_ONE_QUEUE: Script = readScript('verify-queue', ...BASE, VERIFY_QUEUE);
export const VERIFY_OTHERS: Script = readScript('verify-others', ...BASE, LEASES_OF, VERIFY_REST);
export const DUMP_ALL: Script = readScript(
  'dump',
  ...BASE,
  SAY_QUEUES,
  SAY_LISTS,
  SAY_STATS,
  SAY_WHOLE,
  DUMP,
);
export const JOBS_WHOLE: Script = readScript('jobs', ...BASE, SAY_WHOLE, WHOLE_JOBS);
