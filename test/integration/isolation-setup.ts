/** What the tests of children share: a queue on a memory store, and a worker on it whose processor is a file. */

import { setTimeout as wait } from 'node:timers/promises';
import {
  connect,
  type IsolationOptions,
  type Job,
  type JobOptions,
  Queue,
  Worker,
  type WorkerEvents,
  type WorkerOptions,
} from 'millrace';

export const fileOf = (name: string): URL => new URL(`./isolated/${name}`, import.meta.url);

export interface Where {
  readonly pid: number;
  readonly threadId: number;
}

export class Bench {
  readonly #shared = connect('memory:');
  readonly #closing: (() => Promise<void>)[] = [];
  readonly queue: Queue;

  constructor() {
    this.queue = new Queue('orders', { connection: this.#shared.store });
  }

  work(options: WorkerOptions & IsolationOptions = {}, file: URL = fileOf('deeds.mjs')): Worker {
    const worker = new Worker('orders', file, { connection: this.#shared.store, ...options });
    this.#closing.push(() => worker.close({ force: true }));
    return worker;
  }

  add(name: string, data: unknown = {}, options: JobOptions = {}): Promise<Job> {
    return this.queue.add(name, data, options);
  }

  /** What became of it: its state, cause, error and result. */
  async endOf(job: Job): Promise<Job> {
    await job.result({ timeout: 30_000 }).catch(() => undefined);
    return job.refresh();
  }

  async close(): Promise<void> {
    await Promise.all(this.#closing.map((close) => close()));
    await this.queue.close();
    await this.#shared.release();
  }
}

/** The arguments of the next such event. */
export function next<E extends 'failed' | 'progress'>(worker: Worker, event: E): Promise<WorkerEvents[E]> {
  return new Promise((resolve) => {
    worker.once(event, ((...args: WorkerEvents[E]) => resolve(args)) as never);
  });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function waitFor(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`still not true: ${what}`);
    await wait(10);
  }
}
