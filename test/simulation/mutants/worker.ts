/** Bugs of the worker's side: what it does with the answers of a store that is right. */

import type { CommitAnswer } from '../../../src/store/store.ts';
import type { Mutant } from './mutant.ts';

const deafToLoss: Mutant = {
  name: 'deaf-to-loss',
  bug: 'a worker goes on with a job whose lease it has lost, because it takes every renewal as done',
  breaks: ['S5', 'S7', 'D1'],
  client: (store) => ({
    ...store,
    renew: async (leases, leaseMs) => {
      const answer = await store.renew(leases, leaseMs).catch(() => []);
      return leases.map((_, index) => ({ outcome: 'ok', cancelReason: answer[index]?.cancelReason ?? null }));
    },
  }),
};

const outboxLost: Mutant = {
  name: 'outbox-lost',
  bug: 'a worker that closes throws away the ends of attempts that it had not sent',
  breaks: ['S9', 'S8', 'L4', 'A4'],
  client: (store, process) => ({
    ...store,
    commit: async (settlements, claims) => {
      if (!process.isClosing || settlements.length === 0) return store.commit(settlements, claims);
      const settled = settlements.map(() => ({ outcome: 'ok', state: 'completed' }) as const);
      return { settled, claimed: [] } satisfies CommitAnswer;
    },
  }),
};

export const WORKER: readonly Mutant[] = [deafToLoss, outboxLost];
