/**
 * Workers of the process that adds jobs are told when the call is sent, and not only when it is done, so that their
 * claims arrive right behind it and share its transaction. If such a claim finds the end of the queue, nobody is told
 * that there is something to claim: everybody would, for nothing.
 */

import type { ClaimRequest, Effect } from '../store.ts';
import { type Grant, jobsIn } from './grant.ts';
import type { Transaction } from './transaction.ts';
import type { Call, VerbName } from './verbs.ts';

/** Queues in which a call makes jobs that can run at once. */
export function queuesFed(verb: VerbName, [effects]: readonly unknown[]): Set<string> {
  if (verb !== 'apply') return new Set();
  const jobs = (effects as readonly Effect[]).flatMap((effect) => (effect.op === 'add' ? effect.jobs : []));
  return new Set(jobs.filter(({ delayMs }) => delayMs === 0).map(({ queue }) => queue));
}

/** Of one group of calls. */
export class Foretold {
  readonly #queues = new Set<string>();

  run(tx: Transaction, call: Call, run: () => unknown): unknown {
    if (call.verb === 'claim') return this.#claim(tx, call, run);
    const value = run();
    if (call.foretold === true) for (const queue of queuesFed(call.verb, call.args)) this.#queues.add(queue);
    return value;
  }

  #claim(tx: Transaction, { args }: Call, run: () => unknown): unknown {
    const requests = args[0] as readonly ClaimRequest[];
    const known = requests.filter(({ queue }) => this.#queues.has(queue) && tx.unhint(queue, 'ready'));
    const grants = run() as readonly Grant[];
    for (const request of known) {
      const grant = grants[requests.indexOf(request)];
      tx.hint(request.queue, grant !== undefined && foundEnd(grant, request) ? 'taken' : 'ready');
    }
    return grants;
  }
}

function foundEnd(grant: Grant, { limit }: ClaimRequest): boolean {
  const { nextDueInMs, paused, sessionOver } = grant;
  return jobsIn(grant) < limit && nextDueInMs === null && !paused && sessionOver !== true;
}
