/** Processors that block the event loop, and processes that stand still, die, or come back, on a file and on a server. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type JobRecord, Queue, type WorkerOptions } from 'millrace';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { dropSchemas, nextSchema, noPostgres, testPool, urlOf } from '../support/postgres.ts';
import { makeScratch } from '../support/scratch.ts';

const LEASE_MS = 600;
/** Longer than a lease, and the lease of a leader that stands still, and a suspicion take together. */
const BLOCK_MS = 8_000;
const WAIT_MS = 60_000;
const script = join(dirname(fileURLToPath(import.meta.url)), 'blocking-worker.mjs');

interface Said {
  readonly what: string;
  readonly id?: string;
  readonly [more: string]: unknown;
}

/** A worker in a process of its own. */
class Hand {
  readonly child: ChildProcess;
  readonly said: Said[] = [];

  constructor(url: string, options: WorkerOptions) {
    this.child = fork(script, [url, JSON.stringify(options)]);
    this.child.on('message', (message) => this.said.push(message as Said));
  }

  async heard(what: string, id?: string): Promise<Said> {
    return this.#heard(what, (said) => said.what === what && (id === undefined || said.id === id));
  }

  /** On a busy machine there may be short ones, too. */
  heardLongBlock(): Promise<Said> {
    return this.#heard(
      'a block',
      ({ what, blockedMs }) => what === 'blocked' && Number(blockedMs) > BLOCK_MS / 2,
    );
  }

  async #heard(what: string, isMeant: (said: Said) => boolean): Promise<Said> {
    await waitFor(what, async () => this.said.some(isMeant));
    const found = this.said.find(isMeant);
    if (found === undefined) throw new Error(`nothing was said of ${what}`);
    return found;
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}

const scratch = makeScratch();
const schemas: string[] = [];
afterAll(async () => {
  await scratch.remove();
  if (schemas.length === 0) return;
  const pool = testPool(1);
  await dropSchemas(pool, schemas);
  await pool.end();
});

const STORES = [
  { store: 'SQLite', nextUrl: () => `sqlite:${scratch.nextPath()}`, isMissing: false },
  {
    ...{ store: 'PostgreSQL', isMissing: noPostgres },
    nextUrl: () => {
      const schema = nextSchema();
      schemas.push(schema);
      return urlOf(schema);
    },
  },
];

interface Scene {
  readonly queue: Queue;
  start(options?: WorkerOptions): Promise<Hand>;
  job(id: string): Promise<JobRecord>;
}

function open(url: string, onTestFinished: TestContext['onTestFinished']): Scene {
  const queue = new Queue('work', { connection: url });
  const { store, release } = connect(url);
  const hands: Hand[] = [];
  onTestFinished(async () => {
    await Promise.all(hands.map((hand) => hand.kill()));
    await queue.close();
    await release();
  });
  return {
    queue,
    start: async (options = {}) => {
      const hand = new Hand(url, { leaseMs: LEASE_MS, ...options });
      hands.push(hand);
      await hand.heard('ready');
      return hand;
    },
    job: async (id) => {
      const job = await store.job({ queue: 'work', id });
      if (job === null) throw new Error(`job ${id} is gone`);
      return job;
    },
  };
}

/** Stands still, but not in the middle of a write: then it would keep the lock of the file, and nobody could write. */
async function freeze({ child }: Hand, queue: Queue): Promise<void> {
  for (;;) {
    child.kill('SIGSTOP');
    const written = queue.configure({}).then(() => true);
    if (await Promise.race([written, wait(1_000, false)])) return;
    child.kill('SIGCONT');
    await written;
  }
}

async function waitFor(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited too long for: ${what}`);
    await wait(20);
  }
}

describe.each(STORES.filter(({ isMissing }) => !isMissing))('on $store', ({ nextUrl }) => {
  it('a processor that blocks the event loop for several leases keeps its job, and the block is told', async ({
    onTestFinished,
  }) => {
    const { queue, start, job } = open(nextUrl(), onTestFinished);
    const other = await start();
    const blocked = await start({ concurrency: 2 });
    await freeze(other, queue);
    await queue.add('blocks', { beforeMs: 300, blockMs: BLOCK_MS }, { jobId: 'a' });
    await blocked.heard('began', 'a');
    other.child.kill('SIGCONT');

    await blocked.heard('completed', 'a');

    const { blockedMs, leasesLost } = await blocked.heardLongBlock();
    expect([Number(blockedMs) >= BLOCK_MS - 1, leasesLost]).toEqual([true, 0]);
    expect(await job('a')).toMatchObject({ state: 'completed', claims: 1, crashes: 0 });
    expect(other.said.map(({ what }) => what)).not.toContain('began');
  });

  it('a processor that blocks for longer than it may loses its job, and what it writes late is refused', async ({
    onTestFinished,
  }) => {
    const { queue, start, job } = open(nextUrl(), onTestFinished);
    const blocked = await start({ maxBlockMs: 1_000 });
    const more = { waitMs: 100, writes: true };
    await queue.add('blocks', { beforeMs: 300, blockMs: BLOCK_MS, ...more }, { jobId: 'a' });
    await blocked.heard('began', 'a');
    const other = await start();

    await other.heard('began', 'a');
    const late = await blocked.heard('wrote', 'a');

    expect(late).toMatchObject({
      refused: ['LeaseLostError', 'LeaseLostError'],
      asserted: 'LeaseLostError',
    });
    expect(late['reason']).toBe('LeaseLostError');
    expect(await blocked.heard('lease-lost', 'a')).toBeDefined();
    expect(await blocked.heardLongBlock()).toMatchObject({ leasesLost: 1 });
    expect(await job('a')).toMatchObject({ crashes: 1, claims: 2 });
  });

  it('a process that stood still for longer than its lease writes nothing before it knows that it holds it', async ({
    onTestFinished,
  }) => {
    const { queue, start, job } = open(nextUrl(), onTestFinished);
    const frozen = await start();
    await queue.add('waits', { waitMs: 5_000, writes: true }, { jobId: 'a' });
    await frozen.heard('began', 'a');
    await wait(200);
    await freeze(frozen, queue);
    const other = await start();
    await other.heard('began', 'a');
    frozen.child.kill('SIGCONT');

    const late = await frozen.heard('wrote', 'a');

    expect(late).toMatchObject({
      refused: ['LeaseLostError', 'LeaseLostError'],
      asserted: 'LeaseLostError',
    });
    expect(late['reason']).toBe('LeaseLostError');
    await other.heard('completed', 'a');
    expect(await job('a')).toMatchObject({ state: 'completed', worker: other.said[0]?.id, crashes: 1 });
    expect(frozen.said.map(({ what }) => what)).not.toContain('completed');
  });

  it('a process that stood still while nobody else was there goes on with its job', async ({
    onTestFinished,
  }) => {
    const { queue, start, job } = open(nextUrl(), onTestFinished);
    const frozen = await start();
    await queue.add('waits', { waitMs: 5_000, writes: true }, { jobId: 'a' });
    await frozen.heard('began', 'a');
    await freeze(frozen, queue);
    await wait(4 * LEASE_MS);
    frozen.child.kill('SIGCONT');

    expect(await frozen.heard('wrote', 'a')).toMatchObject({
      refused: ['written', 'written'],
      reason: null,
    });
    await frozen.heard('completed', 'a');
    expect(await job('a')).toMatchObject({ state: 'completed', claims: 1, crashes: 0 });
  });

  it('the job of a process that was killed is soon run by another', async ({ onTestFinished }) => {
    const { queue, start, job } = open(nextUrl(), onTestFinished);
    const killed = await start();
    const other = await start();
    await freeze(other, queue);
    await queue.add('waits', { waitMs: 60_000 }, { jobId: 'a' });
    await killed.heard('began', 'a');
    other.child.kill('SIGCONT');

    await killed.kill();

    await other.heard('began', 'a');
    expect(await job('a')).toMatchObject({ state: 'active', crashes: 1, claims: 2 });
  });
});
