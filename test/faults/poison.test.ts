/** A job that ends whatever process runs it, among eight that mean no harm, and somebody who starts processes anew. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type Job, Queue } from 'millrace';
import { type CheckReport, checkHistory, openHistory, readHistory, recordStore } from 'millrace/history';
import { afterAll, describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { summarise } from './checked.ts';
import { complaints } from './lab.ts';

const WAIT_MS = 150_000;
const NEIGHBOURS = Array.from({ length: 8 }, (_, index) => `neighbour-${index}`);

type Isolation = 'none' | 'thread';

class Scene {
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-poison-'));
  readonly #url = `sqlite:${join(this.#folder, 'jobs.db')}`;
  readonly #runFile = join(this.#folder, 'runs');
  readonly #histories = join(this.#folder, 'histories');
  readonly #history = openHistory({ directory: this.#histories, store: 'sqlite' });
  readonly #shared = connect(this.#url);
  readonly #store = recordStore(this.#shared.store, this.#history);
  readonly #queue = new Queue('work', { connection: this.#store });
  readonly #crew = new Set<ChildProcess>();
  #stopped = false;

  constructor() {
    writeFileSync(this.#runFile, '');
    this.#history.event('scope', { complete: true });
  }

  /** The poison in the middle of its neighbours, and two processes for them. */
  async begin(deed: string, options: { attempts: number; isolation: Isolation }): Promise<void> {
    const { attempts, isolation } = options;
    const ids = [...NEIGHBOURS.slice(0, 4), 'poison', ...NEIGHBOURS.slice(4)];
    const runFile = this.#runFile;
    await this.#queue.addBulk(
      ids.map((id) => ({
        name: 'job',
        data: id === 'poison' ? { deed, runFile } : { runFile },
        opts: { jobId: id, attempts },
      })),
    );
    for (let n = 0; n < 2; n += 1) this.#start(isolation);
  }

  /** Whenever one ends, another takes its place, as service managers do. */
  #start(isolation: Isolation): void {
    const file = fileURLToPath(new URL('./poison-worker.mjs', import.meta.url));
    const args = ['--no-warnings', '--max-old-space-size=128', file, this.#url, isolation];
    const env = { ...process.env, MILLRACE_HISTORY: this.#histories };
    const child = spawn(process.execPath, args, { stdio: 'ignore', env });
    this.#crew.add(child);
    child.once('exit', () => {
      this.#crew.delete(child);
      if (!this.#stopped)
        this.#history.event('fault', { id: `${child.pid}`, fault: 'exit', target: child.pid });
      if (!this.#stopped) this.#start(isolation);
    });
  }

  /** Pids of the processes that the poison was about to end, in order. */
  deaths(): number[] {
    const lines = readFileSync(this.#runFile, 'utf8').split('\n');
    return lines.filter((line) => line.startsWith('poison ')).map((line) => Number(line.split(' ')[2]));
  }

  async untilOver(): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      const { counts } = (await this.#queue.summary()) ?? { counts: null };
      if (counts !== null && counts.waiting + counts.active + counts.delayed === 0) return;
      if (performance.now() > deadline) throw new Error(`still open: ${JSON.stringify(counts)}`);
      await this.#endHung();
      await wait(100);
    }
  }

  /** A process that hangs is ended by nobody but us, and only once its jobs were taken from it. */
  async #endHung(): Promise<void> {
    const hung = new Set(this.deaths().slice(0, (await this.#queue.getJob('poison'))?.crashes ?? 0));
    for (const child of this.#crew) if (hung.has(child.pid ?? 0)) child.kill('SIGKILL');
  }

  async poison(): Promise<Job> {
    const job = await this.#queue.getJob('poison');
    if (job === undefined) throw new Error('the poison is gone');
    return job;
  }

  async neighbours(): Promise<string[]> {
    const jobs = await Promise.all(NEIGHBOURS.map((id) => this.#queue.getJob(id)));
    return jobs.map((job) => job?.state ?? 'gone');
  }

  /** What the histories of all processes, with all that is stored now, say of it. */
  async check(): Promise<CheckReport> {
    await this.#store.verify();
    for await (const _ of this.#store.dump());
    return checkHistory(readHistory([this.#histories]).lines);
  }

  async end(): Promise<void> {
    this.#stopped = true;
    const ends = [...this.#crew].map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of this.#crew) child.kill('SIGKILL');
    await Promise.all(ends);
    await this.#queue.close();
    await this.#shared.release();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const reports: CheckReport[] = [];
afterAll(() =>
  writeProof({
    ...{
      name: 'faults-poison',
      section: 'faults',
      title: 'jobs that end their process: exit, abort, memory, loop, segfault',
    },
    command: 'npm test -- --only faults',
    ...summarise(reports),
  }),
);

const COMPLETED = NEIGHBOURS.map(() => 'completed');

/** At once: most of their time they wait for leases to run out. */
describe.concurrent('a poison among eight neighbours', () => {
  it.each(['exit', 'abort', 'memory', 'loop'])(
    'that ends its process by %s is a dead letter after a few deaths, and none of the others is',
    async (deed) => {
      const scene = new Scene();
      try {
        await scene.begin(deed, { attempts: 3, isolation: 'none' });
        await scene.untilOver();

        const { state, cause, crashes, attemptsMade } = await scene.poison();
        expect([state, cause, attemptsMade]).toEqual(['failed', 'crashed', 0]);
        // Four when nothing else happens; a machine under load may take a lease from a process that lives.
        expect(crashes).toBeGreaterThanOrEqual(4);
        expect(scene.deaths().length).toBeLessThanOrEqual(6);
        expect(await scene.neighbours()).toEqual(COMPLETED);
        reports.push(await scene.check());
        expect(reports.flatMap(complaints)).toEqual([]);
      } finally {
        await scene.end();
      }
    },
  );

  it('that ends its process out of a thread gets a process of its own after two deaths, and fails there', async () => {
    const scene = new Scene();
    try {
      await scene.begin('segfault', { attempts: 2, isolation: 'thread' });
      await scene.untilOver();

      const { state, cause, crashes, attemptsMade, error } = await scene.poison();
      expect([state, cause, attemptsMade]).toEqual(['failed', 'crashed', 2]);
      expect(crashes).toBeGreaterThanOrEqual(2);
      expect(error?.code).toBe('MILLRACE_PROCESSOR_CRASHED');
      expect(scene.deaths().length).toBeLessThanOrEqual(6);
      expect(await scene.neighbours()).toEqual(COMPLETED);
      reports.push(await scene.check());
      expect(reports.flatMap(complaints)).toEqual([]);
    } finally {
      await scene.end();
    }
  });
});
