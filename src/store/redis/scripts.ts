/** The scripts of the verbs that move jobs, joined from their parts. */

import { ADD, APPLY, APPLY_ADD, APPLY_ADD_AFTER_ALL, REQUESTS } from './lua/add.ts';
import { CLAIM, CLAIMS } from './lua/claim.ts';
import { EFFECTS as BY_NAME } from './lua/effects.ts';
import { TELL } from './lua/feed.ts';
import { FLUSH } from './lua/flush.ts';
import { HINT } from './lua/hint.ts';
import { JOB } from './lua/job.ts';
import { LEAN } from './lua/lean.ts';
import { LEAN_ADD } from './lua/lean-add.ts';
import { LEASE } from './lua/lease.ts';
import { ACCEPT, DELIVER, DELIVER_EFFECTS, DELIVERED, SEND } from './lua/outbox.ts';
import { PLAIN } from './lua/plain.ts';
import { QUEUE } from './lua/queue.ts';
import { RECORD } from './lua/record.ts';
import { BEATS, END_SESSION, LEASES_OF, RENEW, RENEWALS } from './lua/sessions.ts';
import { COMMIT, COMPLETE_MANY, SETTLE, SETTLE_ONE } from './lua/settle.ts';
import { STATS } from './lua/stats.ts';
import { STEP } from './lua/step.ts';
import { relievingScript, type Script, script } from './script.ts';

/** What every script that moves jobs begins with. */
export const BASE: readonly string[] = [STEP, QUEUE, SEND, HINT, TELL, STATS, FLUSH, RECORD, JOB, LEASE];
/** All effects. */
export const EFFECTS: readonly string[] = [ADD, BY_NAME];

export const ADD_JOBS: Script = script('add', ...BASE, ADD, REQUESTS, APPLY_ADD);
/** The same, the short way where there is nothing unusual. */
export const LEAN_ADD_JOBS: Script = script(
  'lean-add',
  STEP,
  LEAN_ADD,
  ...BASE.slice(1),
  ADD,
  REQUESTS,
  APPLY_ADD_AFTER_ALL,
);
export const APPLY_EFFECTS: Script = script('apply', ...BASE, ...EFFECTS, REQUESTS, APPLY);
export const CLAIM_JOBS: Script = relievingScript('claim', ...BASE, PLAIN, CLAIM, CLAIMS);
export const COMMIT_JOBS: Script = relievingScript(
  'commit',
  ...BASE,
  ...EFFECTS,
  PLAIN,
  CLAIM,
  SETTLE,
  SETTLE_ONE,
  COMPLETE_MANY,
  COMMIT,
);
export const RENEW_LEASES: Script = relievingScript('renew', ...BASE, RENEW, RENEWALS);
export const BEAT: Script = relievingScript('beat', STEP, BEATS);
export const END: Script = relievingScript('end-session', ...BASE, SETTLE, LEASES_OF, END_SESSION);
export const DELIVER_ENTRY: Script = script('deliver', ...BASE, ACCEPT, DELIVER);
export const DELIVER_APPLY: Script = script('deliver-apply', ...BASE, ...EFFECTS, REQUESTS, DELIVER_EFFECTS);
export const DROP_ENTRY: Script = relievingScript('delivered', ...BASE, ACCEPT, DELIVERED);
export const LEAN_COMMIT: Script = relievingScript('lean-commit', LEAN);
