/**
 * Three processes on one store, whose calls fail before or after they were done, whose hints get lost, and some of
 * which die: every job ends, ends once, and never runs in two places at a time.
 */

import { expect, test } from 'vitest';
import { StoreUnavailableError } from '../errors.ts';
import { Queue } from '../queue/queue.ts';
import { sleep } from '../runtime/clock.ts';
import { seededRandom } from '../runtime/random.ts';
import type { Store } from '../store/store.ts';
import { type TestStore, testStore } from '../testing/index.ts';
import { Worker } from './worker.ts';

const JOBS = 60;
const PROCESSES = 3;
const CONCURRENCY = 4;
const LEASE_MS = 3_000;
const VERBS = ['claim', 'commit', 'renew', 'beat', 'endSession', 'upkeep', 'apply'] as const;

interface Faults {
  /** Share of the calls that fail; half of them after the store has done them. */
  rate: number;
  dead: boolean;
}

/** The store as one process sees it. */
function viewOf(t: TestStore, faults: Faults): Store {
  const away = (): never => {
    throw new StoreUnavailableError('lost on the way');
  };
  const unsafe = VERBS.map((verb) => {
    const call = t.store[verb] as (...args: unknown[]) => Promise<unknown>;
    return [
      verb,
      async (...args: unknown[]) => {
        const chance = t.random.fraction();
        if (faults.dead) return new Promise(() => undefined);
        if (chance < faults.rate / 2) away();
        const answer = await call(...args);
        if (chance < faults.rate) away();
        return answer;
      },
    ];
  });
  const watch: Store['watch'] = (queues, onNews) =>
    t.store.watch(queues, (hint) => {
      if (!faults.dead && t.random.fraction() >= faults.rate) onNews(hint);
    });
  return { ...t.store, ...Object.fromEntries(unsafe), watch };
}

interface Process {
  readonly faults: Faults;
  readonly worker: Worker;
  readonly seen: { running: number; most: number };
}

/** Jobs that run now, anywhere, and those that once ran twice at the same time. */
interface Runs {
  readonly now: Set<string>;
  readonly twice: string[];
}

function start(t: TestStore, runs: Runs, rate: number): Process {
  const faults = { rate, dead: false };
  const seen = { running: 0, most: 0 };
  const worker = new Worker(
    'mail',
    async (job, { signal }) => {
      if (runs.now.has(job.id)) runs.twice.push(job.id);
      runs.now.add(job.id);
      seen.running++;
      seen.most = Math.max(seen.most, seen.running);
      await sleep(t.clock, 50 + t.random.fraction() * 2_000, signal);
      seen.running--;
      runs.now.delete(job.id);
      signal.throwIfAborted();
      if (t.random.fraction() < 0.2) throw new Error('bad luck');
      return job.id;
    },
    {
      connection: { ...t.connection, store: viewOf(t, faults) },
      ...{ concurrency: CONCURRENCY, leaseMs: LEASE_MS, closeTimeout: '5s' },
    },
  );
  worker.on('error', () => undefined);
  return { faults, worker, seen };
}

async function open(t: TestStore): Promise<number> {
  const states = (await t.jobs('mail')).map(({ state }) => state);
  return states.filter((state) => state !== 'completed').length;
}

test.each([
  [1, 0.15],
  [2, 0.15],
  [3, 0.3],
  [4, 0.02],
  [5, 0],
])(
  'every job ends once and runs in one place at a time (seed %i, %d of the calls fail)',
  async (seed, rate) => {
    const t = testStore({ seed });
    const chance = seededRandom(seed * 31);
    const queue = new Queue('mail', { connection: t.connection });
    await queue.configure({ maxCrashes: 1_000 });
    const backoff = { type: 'exponential', delay: 200, max: 2_000 } as const;
    for (let n = 0; n < JOBS; n++)
      await queue.add('job', { n }, { jobId: `job-${n}`, attempts: 1_000, backoff });
    const runs: Runs = { now: new Set(), twice: [] };
    let processes = Array.from({ length: PROCESSES }, () => start(t, runs, rate));
    const all = [...processes];

    for (let round = 0; round < 40; round++) {
      await t.advance('2s');
      if (chance.fraction() > rate) continue;
      const [victim, ...others] = processes;
      if (victim === undefined) continue;
      if (chance.fraction() < 0.5) victim.faults.dead = true;
      else void victim.worker.close();
      const successor = start(t, runs, rate);
      all.push(successor);
      processes = [...others, successor];
    }
    for (const { faults } of processes) faults.rate = 0;
    for (let round = 0; round < 60 && (await open(t)) > 0; round++) await t.advance('2s');

    expect(await open(t)).toBe(0);
    for (const job of await t.jobs('mail')) {
      const outcomes = (await t.store.attempts({ queue: 'mail', id: job.id })).map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === 'completed')).toHaveLength(1);
      expect(outcomes.at(-1)).toBe('completed');
      expect(outcomes.filter((outcome) => outcome === 'crashed')).toHaveLength(job.crashes);
      expect(outcomes).toHaveLength(job.claims);
      expect(job.returnvalue).toBe(job.id);
    }
    expect(runs.twice).toEqual([]);
    if (rate === 0) expect((await t.jobs('mail')).filter(({ crashes }) => crashes > 0)).toEqual([]);
    for (const { seen } of all) expect(seen.most).toBeLessThanOrEqual(CONCURRENCY);
    expect(await t.store.verify()).toEqual([]);
    for (const { faults, worker } of all) {
      if (!faults.dead) void worker.close({ force: true });
    }
    await t.advance('30s');
    await queue.close();
  },
);
