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
import { type Adding, addAndClaim, addAtOnce, isApart } from './add.ts';
import { apply, resultsOf } from './apply.ts';
import { answersOf, askFor, claimAtOnce, lookAgain, type Memory, textOf } from './claim.ts';
import { arePlain, completeAtOnce } from './complete.ts';
import type { Database } from './database.ts';
import type { Engine } from './engine.ts';
import { Held } from './held.ts';
import type { Idle } from './idle.ts';
import { Lows } from './lows.ts';
import { renew } from './renew.ts';
import { foundEnd, type Passenger, type Rides } from './ride.ts';
import { beat, endSession } from './sessions.ts';
import { commit } from './settle.ts';
import type { Tidying } from './tidying.ts';
import { upkeep } from './upkeep.ts';

type Writes = Pick<Store, 'apply' | 'claim' | 'commit' | 'renew' | 'beat' | 'endSession' | 'upkeep'>;

/** What the verbs have in common. */
export interface WriteParts {
  readonly engine: Engine;
  readonly idle: Idle;
  readonly tidying: Tidying;
  readonly rides: Rides;
}

interface Around {
  readonly engine: Engine;
  readonly memory: Memory;
  readonly rides: Rides;
}

export function writes({ engine, idle, tidying, rides }: WriteParts): Writes {
  const memory: Memory = { lows: new Lows(systemClock), held: new Held(), idle, clock: systemClock };
  const around: Around = { engine, memory, rides };
  return {
    apply: async (effects, options = {}) => {
      const results = await applyTo(around, effects, options);
      tidying.added();
      return results;
    },
    claim: async (requests) => {
      rides.begins(requests);
      const answers = await (rides.board(requests) ?? claim(around, requests));
      rides.ended(requests, answers);
      return answers;
    },
    commit: async (settlements, claims = []) => {
      rides.begins(claims);
      const answer = await commitTo(around, { settlements, claims });
      rides.ended(claims, answer.claimed);
      return answer;
    },
    renew: (leases, leaseMs) => engine.write((tx) => renew(tx, leases, leaseMs)),
    beat: (sessions) => engine.call((db) => beat(db, sessions, engine.now)),
    endSession: (id) => engine.write((tx) => endSession(tx, id)),
    upkeep: (budget) => engine.write((tx) => upkeep(tx, budget)),
  };
}

async function applyTo(
  around: Around,
  effects: readonly Effect[],
  options: ApplyOptions,
): Promise<EffectResult[]> {
  const { engine, memory, rides } = around;
  const jobs = plainAdd(effects, options);
  if (jobs === null) return engine.write((tx) => apply(tx, effects, options));
  const { requestId = null } = options;
  const passenger = await rides.passengerFor(jobs);
  const adding = { jobs, now: engine.now, requestId, mine: mineIn(jobs, memory) };
  const answer = await (passenger === null
    ? engine.call(
        (db) => addAtOnce(db, adding),
        (told) => readyIn(jobs, told),
      )
    : addWith(around, adding, passenger));
  return typeof answer === 'string' ? resultsOf(answer, effects) : answer;
}

function mineIn(jobs: readonly NewJob[], { idle }: Memory): string[] {
  return idle.markedIn(jobs[0]?.queue ?? '');
}

/** What befalls the add is not the claim's fault: it goes by itself then. */
async function addWith(
  around: Around,
  adding: Adding,
  passenger: Passenger,
): Promise<EffectResult[] | string> {
  const { request, claimed } = passenger;
  try {
    const { results, answers } = await around.engine.call(
      (db) => together(db, { adding, request }, around),
      ({ results, answers: [answer] }) => {
        const news = foundEnd(answer, request) ? 'taken' : 'ready';
        return readyIn(adding.jobs, results).map(({ queue }) => ({ queue, news }));
      },
    );
    claimed.resolve(answers);
    return results;
  } catch (error) {
    claim(around, [request]).then(claimed.resolve, claimed.reject);
    throw error;
  }
}

async function together(
  db: Database,
  { adding, request }: { readonly adding: Adding; readonly request: ClaimRequest },
  { memory }: Around,
): Promise<{ readonly results: EffectResult[] | string; readonly answers: ClaimAnswer[] }> {
  const asked = askFor([request], memory);
  const { results, rows } = await addAndClaim(db, adding, textOf(asked));
  const answers = answersOf(rows, asked, memory);
  const where = { memory, now: adding.now, isAlone: false };
  return { results, answers: await lookAgain(db, { asked, answers }, where) };
}

/** Jobs of a call that adds and does nothing else. */
function plainAdd(effects: readonly Effect[], { actor }: ApplyOptions): readonly NewJob[] | null {
  const [effect] = effects;
  if (effects.length !== 1 || effect?.op !== 'add' || actor !== undefined) return null;
  return effect.jobs.length > 0 && isApart(effect.jobs) ? effect.jobs : null;
}

/** Of a call that is repeated it is not known whether its first answer was heard. */
function readyIn(jobs: readonly NewJob[], told: readonly EffectResult[] | string): Hint[] {
  const [result] = typeof told === 'string' ? [] : told;
  const outcomes = result?.op === 'add' ? result.jobs : [];
  const created = jobs.filter(
    (_, index) => typeof told === 'string' || outcomes[index]?.outcome === 'created',
  );
  return [...new Set(created.map(({ queue }) => queue))].map((queue) => ({ queue, news: 'ready' }));
}

function claim({ engine, memory }: Around, requests: readonly ClaimRequest[]): Promise<ClaimAnswer[]> {
  return engine.call((db) => claimAtOnce(db, requests, { memory, now: engine.now, isAlone: true }));
}

async function commitTo(
  around: Around,
  { settlements, claims }: { settlements: readonly Settlement[]; claims: readonly ClaimRequest[] },
): Promise<CommitAnswer> {
  const { engine, memory } = around;
  const { now } = engine;
  if (settlements.length === 0) return { settled: [], claimed: await claim(around, claims) };
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
