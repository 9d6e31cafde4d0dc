/** The verbs that write. The frequent ones are one statement each as long as they are plain. */

import { systemClock } from '../../runtime/clock.ts';
import type {
  ApplyOptions,
  ClaimAnswer,
  ClaimRequest,
  CommitAnswer,
  Effect,
  EffectResult,
  Hint,
  NewJob,
  Settlement,
  Store,
} from '../store.ts';
import { addAtOnce, isApart } from './add.ts';
import { apply, resultsOf } from './apply.ts';
import { claimAtOnce, type Memory } from './claim.ts';
import { arePlain, completeAtOnce } from './complete.ts';
import type { Engine } from './engine.ts';
import { Held } from './held.ts';
import type { Idle } from './idle.ts';
import { Lows } from './lows.ts';
import { renew } from './renew.ts';
import { beat, endSession } from './sessions.ts';
import { commit } from './settle.ts';
import type { Tidying } from './tidying.ts';
import { upkeep } from './upkeep.ts';

type Writes = Pick<Store, 'apply' | 'claim' | 'commit' | 'renew' | 'beat' | 'endSession' | 'upkeep'>;

export function writes(engine: Engine, idle: Idle, tidying: Tidying): Writes {
  const memory: Memory = { lows: new Lows(systemClock), held: new Held(), idle, clock: systemClock };
  return {
    apply: async (effects, options = {}) => {
      const results = await applyTo(engine, effects, options);
      tidying.added();
      return results;
    },
    claim: (requests) => claim(engine, memory, requests),
    commit: (settlements, claims = []) => commitTo(engine, memory, { settlements, claims }),
    renew: (leases, leaseMs) => engine.write((tx) => renew(tx, leases, leaseMs)),
    beat: (sessions) => engine.call((db) => beat(db, sessions, engine.now)),
    endSession: (id) => engine.write((tx) => endSession(tx, id)),
    upkeep: (budget) => engine.write((tx) => upkeep(tx, budget)),
  };
}

async function applyTo(
  engine: Engine,
  effects: readonly Effect[],
  options: ApplyOptions,
): Promise<EffectResult[]> {
  const jobs = plainAdd(effects, options);
  if (jobs === null) return engine.write((tx) => apply(tx, effects, options));
  const { requestId = null } = options;
  const answer = await engine.call(
    (db) => addAtOnce(db, jobs, { now: engine.now, requestId }),
    (told) => (typeof told === 'string' ? [] : readyIn(jobs, told)),
  );
  return typeof answer === 'string' ? resultsOf(answer, effects) : answer;
}

/** Jobs of a call that adds and does nothing else. */
function plainAdd(effects: readonly Effect[], { actor }: ApplyOptions): readonly NewJob[] | null {
  const [effect] = effects;
  if (effects.length !== 1 || effect?.op !== 'add' || actor !== undefined) return null;
  return effect.jobs.length > 0 && isApart(effect.jobs) ? effect.jobs : null;
}

function readyIn(jobs: readonly NewJob[], [result]: readonly EffectResult[]): Hint[] {
  const outcomes = result?.op === 'add' ? result.jobs : [];
  const created = jobs.filter((_, index) => outcomes[index]?.outcome === 'created');
  return [...new Set(created.map(({ queue }) => queue))].map((queue) => ({ queue, news: 'ready' }));
}

function claim(engine: Engine, memory: Memory, requests: readonly ClaimRequest[]): Promise<ClaimAnswer[]> {
  return engine.call((db) => claimAtOnce(db, requests, { memory, now: engine.now, isAlone: true }));
}

async function commitTo(
  engine: Engine,
  memory: Memory,
  { settlements, claims }: { settlements: readonly Settlement[]; claims: readonly ClaimRequest[] },
): Promise<CommitAnswer> {
  const { now } = engine;
  if (settlements.length === 0) return { settled: [], claimed: await claim(engine, memory, claims) };
  if (arePlain(settlements)) {
    const answer = await engine.call(
      (db) => completeAtOnce(db, { settlements, claims }, { memory, now }),
      (told) => (told === null ? [] : endedIn(settlements)),
    );
    if (answer !== null) return answer;
  }
  return engine.write((tx) => commit(tx, { settlements, claims }, { memory, now: engine.now }));
}

function endedIn(settlements: readonly Settlement[]): Hint[] {
  return [...new Set(settlements.map(({ lease }) => lease.queue))].map((queue) => ({ queue, news: 'ended' }));
}
