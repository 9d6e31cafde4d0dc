/** Calls whose answers were lost, and what must not come of repeating them. */

import { isFinished } from '../../../src/job/keep.ts';
import type { JobRef } from '../../../src/job/record.ts';
import { jobAt } from '../../../src/store/memory/jobs.ts';
import type { ClaimRequest, Effect, EffectResult, Store } from '../../../src/store/store.ts';
import type { Mutant } from './mutant.ts';

const noRequestId: Mutant = {
  name: 'no-request-id',
  bug: 'a call that is repeated is done again',
  breaks: ['S15'],
  store: (store) => ({
    ...store,
    apply: (effects, { requestId: _, ...options } = {}) => store.apply(effects, options),
  }),
};

const noClaimId: Mutant = {
  name: 'no-claim-id',
  bug: 'a claim that is repeated takes other jobs, and strands those of the answer that was lost',
  breaks: ['S15', 'S5', 'D1', 'A4', 'S6', 'L4'],
  store: (store) => {
    let made = 0;
    const anew = (requests: readonly ClaimRequest[]): ClaimRequest[] =>
      requests.map((request) => ({ ...request, claimId: `${request.claimId}-${made++}` }));
    const named = <A extends { claimId: string }>(
      answers: readonly A[],
      requests: readonly ClaimRequest[],
    ): A[] => answers.map((answer, index) => ({ ...answer, claimId: requests[index]?.claimId ?? '' }));
    return {
      ...store,
      claim: async (requests) => named(await store.claim(anew(requests)), requests),
      commit: async (settlements, claims = []) => {
        const { settled, claimed } = await store.commit(settlements, anew(claims));
        return { settled, claimed: named(claimed, claims) };
      },
    };
  },
};

const addForgets: Mutant = {
  name: 'add-forgets',
  bug: 'the id of a job that has ended is free again: adding it makes a second job',
  breaks: ['S15'],
  store: (store, { state }) => ({
    ...store,
    apply: async (effects, options) => {
      const known = options?.requestId !== undefined && state.requests.has(options.requestId);
      const jobs = known ? [] : effects.flatMap((effect) => (effect.op === 'add' ? effect.jobs : []));
      for (const { queue, id } of jobs) {
        const job = jobAt(state, { queue, id });
        if (job === undefined || !isFinished(job.record.state)) continue;
        await store.apply([{ op: 'discard', job: { queue, id } }]);
      }
      return store.apply(effects, options);
    },
  }),
};

const addLost: Mutant = {
  name: 'add-lost',
  bug: 'some jobs are acknowledged before they are stored, and then are not',
  breaks: ['S1'],
  store: (store) => {
    let count = 0;
    return {
      ...store,
      apply: async (effects, options) => {
        const results = await store.apply(effects, options);
        for (const effect of effects) {
          if (effect.op !== 'add') continue;
          count += 1;
          if (count % 3 === 0) await discardAll(store, effect.jobs);
        }
        return results;
      },
    };
  },
};

async function discardAll(store: Store, jobs: readonly JobRef[]): Promise<void> {
  for (const { queue, id } of jobs) await store.apply([{ op: 'discard', job: { queue, id } }]);
}

const halfABatch: Mutant = {
  name: 'half-a-batch',
  bug: 'of a batch only the beginning is stored',
  breaks: ['S4', 'S1'],
  store: (store) => ({
    ...store,
    apply: async (effects, options) => {
      const cut = effects.map(
        (effect): Effect =>
          effect.op === 'add'
            ? { op: 'add', jobs: effect.jobs.slice(0, Math.ceil(effect.jobs.length / 2)) }
            : effect,
      );
      const results = await store.apply(cut, options);
      return results.map((result, index) => pretend(result, effects[index]));
    },
  }),
};

/** As if all had been done. */
function pretend(result: EffectResult, effect: Effect | undefined): EffectResult {
  if (result.op !== 'add' || effect?.op !== 'add') return result;
  return {
    op: 'add',
    jobs: effect.jobs.map(({ id }, index) => result.jobs[index] ?? { id, outcome: 'created' }),
  };
}

export const REPEATING: readonly Mutant[] = [noRequestId, noClaimId, addForgets, addLost, halfABatch];
