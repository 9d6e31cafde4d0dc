/** Leases, tokens, clocks. */

import { alter, jobAt } from '../../../src/store/memory/jobs.ts';
import type { SettleResult } from '../../../src/store/store.ts';
import { currentLease, type Ground, jobsOf, type Mutant, stepOf } from './mutant.ts';

const settleById: Mutant = {
  name: 'settle-by-id',
  bug: 'the end of an attempt names the job alone: whoever comes last decides',
  breaks: ['S7', 'S8', 'S9'],
  store: (store, ground) => ({
    ...store,
    commit: async (settlements, claims) => {
      const forced = new Map<number, SettleResult>();
      const renamed = settlements.map((settlement, index) => {
        const result = completeWaiting(ground, settlement.lease);
        if (result !== null) forced.set(index, result);
        return { ...settlement, lease: currentLease(ground, settlement.lease) };
      });
      const { settled, claimed } = await store.commit(renamed, claims);
      return { settled: settled.map((result, index) => forced.get(index) ?? result), claimed };
    },
  }),
};

/** Its lease was taken back, and nobody has it now. */
function completeWaiting(ground: Ground, ref: { queue: string; id: string }): SettleResult | null {
  const job = jobAt(ground.state, ref);
  if (job === undefined || (job.record.state !== 'waiting' && job.record.state !== 'delayed')) return null;
  const step = stepOf(ground);
  alter(step, job, { state: 'completed', readyAt: null, dueAt: null, finishedAt: step.nowMs });
  return { outcome: 'ok', state: 'completed' };
}

const fenceByState: Mutant = {
  name: 'fence-by-state',
  bug: 'the end of an attempt is accepted while the job is active, whoever has it',
  breaks: ['S7', 'S8'],
  store: (store, ground) => ({
    ...store,
    commit: (settlements, claims) =>
      store.commit(
        settlements.map((settlement) => ({ ...settlement, lease: currentLease(ground, settlement.lease) })),
        claims,
      ),
  }),
};

const clientClocks: Mutant = {
  name: 'client-clocks',
  bug: 'leases and delays go by the clock of whoever calls',
  breaks: ['S5', 'S11', 'S24'],
  store: (store, { clock, wire }) => {
    const own = clock.now;
    clock.now = () => wire.caller?.clock.now() ?? own();
    return store;
  },
};

const renewWithoutToken: Mutant = {
  name: 'renew-without-token',
  bug: 'a heartbeat names the job alone, so a lost worker keeps the lease of its successor',
  breaks: ['S7'],
  store: (store, ground) => ({
    ...store,
    renew: (leases, leaseMs) =>
      store.renew(
        leases.map((lease) => currentLease(ground, lease)),
        leaseMs,
      ),
  }),
};

const writeWithoutToken: Mutant = {
  name: 'write-without-token',
  bug: 'progress, log lines and data of a worker are accepted whoever has the job',
  breaks: ['S7'],
  store: (store) => ({
    ...store,
    apply: (effects, options) =>
      store.apply(
        effects.map((effect) => {
          if (effect.op !== 'progress' && effect.op !== 'log' && effect.op !== 'data') return effect;
          const { queue, id } = effect.job;
          return { ...effect, job: { queue, id } };
        }),
        options,
      ),
  }),
};

const tokensRepeat: Mutant = {
  name: 'tokens-repeat',
  bug: 'the count of tokens starts anew when nothing is active',
  breaks: ['S6', 'S7'],
  store: (store, { state }) => ({
    ...store,
    claim: (requests) => {
      if (state.leased.size === 0) state.token = 0;
      return store.claim(requests);
    },
  }),
};

const reclaimInOnePass: Mutant = {
  name: 'reclaim-in-one-pass',
  bug: 'one look is enough to take a lease back, so one jump of the clock takes them all',
  breaks: ['S5', 'D1'],
  store: (store) => ({
    ...store,
    upkeep: async (budget) => {
      if (budget.reclaim) await store.upkeep(budget);
      return store.upkeep(budget);
    },
  }),
};

const noReclaim: Mutant = {
  name: 'no-reclaim',
  bug: 'nobody looks for leases that ran out',
  breaks: ['L1', 'L2'],
  store: (store) => ({ ...store, upkeep: (budget) => store.upkeep({ ...budget, reclaim: false }) }),
};

const promoteEarly: Mutant = {
  name: 'promote-early',
  bug: 'a delayed job is taken when it is nearly due',
  breaks: ['S11'],
  store: (store, ground) => ({
    ...store,
    upkeep: (budget) => {
      const step = stepOf(ground);
      for (const job of jobsOf(ground)) {
        const { state, dueAt } = job.record;
        if (state !== 'delayed' || dueAt === null || dueAt > step.nowMs + 1_000) continue;
        alter(step, job, { state: 'waiting', dueAt: null, readyAt: step.nowMs });
      }
      return store.upkeep(budget);
    },
  }),
};

export const FENCING: readonly Mutant[] = [
  ...[settleById, fenceByState, clientClocks, renewWithoutToken, writeWithoutToken],
  ...[tokensRepeat, reclaimInOnePass, noReclaim, promoteEarly],
];
