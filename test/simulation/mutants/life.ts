/** A job's way through its states. */

import { alter } from '../../../src/store/memory/jobs.ts';
import type { QueueState } from '../../../src/store/memory/state.ts';
import type { ClaimAnswer, ClaimRequest, Effect, EffectResult, Store } from '../../../src/store/store.ts';
import { type Ground, jobsOf, type Mutant, stepOf } from './mutant.ts';

const crashNotCounted: Mutant = {
  name: 'crash-not-counted',
  bug: 'an attempt counts when it ends and not when it begins: a job that kills its process does so for ever',
  breaks: ['S10', 'L1'],
  store: (store, ground) => ({
    ...store,
    upkeep: (budget) => {
      const step = stepOf(ground);
      for (const job of jobsOf(ground)) if (job.record.crashes > 0) alter(step, job, { crashes: 0 });
      return withSettings(ground, { maxCrashes: 1_000_000 }, () => store.upkeep(budget));
    },
  }),
};

/** While the verb is done, and it is done when its call returns. */
function withSettings<T>({ state }: Ground, settings: Partial<QueueState['settings']>, verb: () => T): T {
  const before = [...state.queues.values()].map((queue) => ({ queue, settings: queue.settings }));
  for (const { queue } of before) queue.settings = { ...queue.settings, ...settings };
  try {
    return verb();
  } finally {
    for (const one of before) one.queue.settings = one.settings;
  }
}

const pauseIgnored: Mutant = {
  name: 'pause-ignored',
  bug: 'a worker that ends an attempt gets the next job though the queue is paused',
  breaks: ['S18'],
  store: (store, ground) => ({
    ...store,
    claim: (requests) => withSettings(ground, { paused: false }, () => store.claim(requests)),
    commit: (settlements, claims) =>
      withSettings(ground, { paused: false }, () => store.commit(settlements, claims)),
  }),
};

const cancelForgotten: Mutant = {
  name: 'cancel-forgotten',
  bug: 'a cancel is acknowledged and not done',
  breaks: ['S23'],
  store: (store) => ({
    ...store,
    apply: async (effects, options) => {
      const kept = effects.filter(({ op }) => op !== 'cancel');
      if (kept.length === effects.length) return store.apply(effects, options);
      const results = kept.length === 0 ? [] : await store.apply(kept, options);
      return effects.map((effect: Effect): EffectResult => {
        if (effect.op === 'cancel') return { op: 'cancel', outcome: 'ok' };
        return results[kept.indexOf(effect)] as EffectResult;
      });
    },
  }),
};

const deadLetterWithoutHistory: Mutant = {
  name: 'dead-letter-without-history',
  bug: 'a dead letter keeps its payload and forgets its attempts',
  breaks: ['S19'],
  store: (store, ground) => {
    const forget = async <T>(answer: Promise<T>): Promise<T> => {
      for (const { record, attempts } of jobsOf(ground)) {
        if (record.state === 'failed' || record.origin !== null) attempts.length = 0;
      }
      return answer;
    };
    return {
      ...store,
      commit: (settlements, claims) => forget(store.commit(settlements, claims)),
      upkeep: (budget) => forget(store.upkeep(budget)),
    };
  },
};

const retryResetsCount: Mutant = {
  name: 'retry-resets-count',
  bug: 'a job that is tried again has all its attempts before it',
  breaks: ['S10', 'L1'],
  store: (store, ground) => ({
    ...store,
    commit: (settlements, claims) => {
      const answer = store.commit(settlements, claims);
      const step = stepOf(ground);
      for (const job of jobsOf(ground)) {
        const { state, failures } = job.record;
        if (failures > 0 && (state === 'waiting' || state === 'delayed')) alter(step, job, { failures: 0 });
      }
      return answer;
    },
  }),
};

const priorityIgnored: Mutant = {
  name: 'priority-ignored',
  bug: 'jobs are claimed in the order of their coming, whatever their priority',
  breaks: ['S13'],
  store: (store, ground) => ({
    ...store,
    claim: async (requests) => {
      const priorities = forgetPriorities(ground);
      const answers = store.claim(requests);
      restore(ground, priorities);
      return (await answers).map((answer) => asAdded(answer, priorities));
    },
    commit: async (settlements, claims) => {
      const priorities = forgetPriorities(ground);
      const answer = store.commit(settlements, claims);
      restore(ground, priorities);
      const { settled, claimed } = await answer;
      return { settled, claimed: claimed.map((one) => asAdded(one, priorities)) };
    },
  }),
};

function forgetPriorities(ground: Ground): Map<string, number> {
  const step = stepOf(ground);
  const jobs = jobsOf(ground).filter(({ record }) => record.priority > 0);
  const priorities = new Map(jobs.map(({ record }) => [record.id, record.priority]));
  for (const job of jobs) alter(step, job, { priority: 0 });
  return priorities;
}

function restore(ground: Ground, priorities: ReadonlyMap<string, number>): void {
  const step = stepOf(ground);
  for (const job of jobsOf(ground)) {
    const priority = priorities.get(job.record.id);
    if (priority !== undefined) alter(step, job, { priority });
  }
}

function asAdded(answer: ClaimAnswer, priorities: ReadonlyMap<string, number>): ClaimAnswer {
  const jobs = answer.jobs.map((claimed) => {
    const { job } = claimed;
    return { ...claimed, job: { ...job, priority: priorities.get(job.id) ?? job.priority } };
  });
  return { ...answer, jobs };
}

const endsAgain: Mutant = {
  name: 'runs-again',
  bug: 'a completed job stays in the list of those that wait',
  breaks: ['S9'],
  store: (store, ground) => {
    const done = new Set<string>();
    return {
      ...store,
      commit: (settlements, claims) => {
        const answer = store.commit(settlements, claims);
        const step = stepOf(ground);
        for (const job of jobsOf(ground)) {
          if (job.record.state !== 'completed' || done.has(job.record.id)) continue;
          done.add(job.record.id);
          if (done.size % 3 === 1)
            alter(step, job, { state: 'waiting', readyAt: step.nowMs, finishedAt: null });
        }
        return answer;
      },
    };
  },
};

const prunedEarly: Mutant = {
  name: 'pruned-early',
  bug: 'finished jobs are deleted before their time',
  breaks: ['S24', 'S1', 'S19'],
  store: (store, ground) => ({
    ...store,
    upkeep: (budget) => {
      const none = { ageMs: 1, count: null };
      const retention = { completed: none, failed: none, cancelled: none };
      return withSettings(ground, { retention }, () => store.upkeep(budget));
    },
  }),
};

const lostWakeUp: Mutant = {
  name: 'lost-wake-up',
  bug: 'a claim looks for jobs only after news, and takes the news though it leaves jobs behind',
  breaks: ['L1', 'L3', 'L5'],
  store: (store, ground) => {
    const news = new Set<string>();
    const told = store.watch([], ({ queue, news: kind }) => {
      if (kind === 'ready') news.add(queue);
    });
    void told;
    return { ...store, ...onlyAfterNews(store, ground, news) };
  },
};

function onlyAfterNews(store: Store, { state }: Ground, news: Set<string>): Pick<Store, 'claim' | 'commit'> {
  const worth = ({ claimId, queue }: ClaimRequest): boolean =>
    news.delete(queue) || state.claims.has(claimId);
  const none = ({ claimId }: ClaimRequest): ClaimAnswer => ({
    claimId,
    jobs: [],
    nextDueInMs: null,
    paused: false,
  });
  const all = (requests: readonly ClaimRequest[], answers: readonly ClaimAnswer[]): ClaimAnswer[] =>
    requests.map((request) => answers.find(({ claimId }) => claimId === request.claimId) ?? none(request));
  return {
    claim: async (requests) => all(requests, await store.claim(requests.filter(worth))),
    commit: async (settlements, claims = []) => {
      const { settled, claimed } = await store.commit(settlements, claims.filter(worth));
      return { settled, claimed: all(claims, claimed) };
    },
  };
}

export const LIFE: readonly Mutant[] = [
  ...[crashNotCounted, pauseIgnored, cancelForgotten, deadLetterWithoutHistory, retryResetsCount],
  ...[priorityIgnored, endsAgain, prunedEarly, lostWakeUp],
];
