import { ADD, AROUND_ADDING } from './add.ts';
import { ADD_JOB } from './add-job.ts';
import { AROUND_BATCHES } from './batch.ts';
import { BODY } from './body.ts';
import { AROUND_CLAIMING, CLAIM } from './claim.ts';
import { AROUND_COMMITTING, COMMIT } from './commit.ts';
import { AROUND_DONE } from './done.ts';
import { JOINED } from './joined.ts';
import { LOAD, WRITE } from './load.ts';
import { SESSIONS } from './sessions.ts';
import { FORGET, PROMOTE_ALL, PRUNE } from './upkeep.ts';

/** In the order in which they are made. */
export const FUNCTIONS: readonly string[] = [
  ...[
    AROUND_DONE,
    AROUND_BATCHES,
    AROUND_ADDING,
    ADD,
    AROUND_CLAIMING,
    AROUND_COMMITTING,
    CLAIM,
    COMMIT,
    LOAD,
    WRITE,
    PROMOTE_ALL,
    PRUNE,
    FORGET,
  ],
  ...[SESSIONS, JOINED, ADD_JOB, BODY],
];
