import type { Clock } from '../../runtime/clock.ts';
import type { ProcessorContext } from '../context.ts';
import type { RunningJob } from '../running-job.ts';
import { isSuspect } from '../suspect.ts';
import { IsolatedChild } from './isolated-child.ts';
import type { MakeLink } from './link.ts';
import type { ResolvedIsolation } from './options.ts';
import { processLink } from './process-link.ts';
import { threadLink } from './thread-link.ts';

export interface PoolOptions {
  readonly isolation: ResolvedIsolation;
  readonly clock: Clock;
  readonly maxPayloadBytes: number;
  /** Children that may be kept. */
  readonly size: () => number;
}

/**
 * The children of a worker: started when a job needs one, kept for the next, as many as the worker has slots. An
 * attempt has a child for itself, so there are never more that live than attempts that run.
 */
export class ChildPool {
  readonly #options: PoolOptions;
  /** The one that ran last is last: the others may be idle for long, and are ended first when there are too many. */
  readonly #idle: IsolatedChild[] = [];
  readonly #all = new Set<IsolatedChild>();
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async run(job: RunningJob, ctx: ProcessorContext): Promise<unknown> {
    // What may have ended its process before gets one that nobody shares, and that nobody has after it.
    const alone = isSuspect(job);
    const child = alone ? this.#start(processLink) : this.#take();
    try {
      return await child.run(job, ctx);
    } finally {
      this.#giveBack(child, alone);
    }
  }

  /** Resolves when no child is left. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#all].map((child) => child.end()));
  }

  #take(): IsolatedChild {
    const child = this.#idle.pop();
    return child ?? this.#start(this.#options.isolation.kind === 'thread' ? threadLink : processLink);
  }

  #start(makeLink: MakeLink): IsolatedChild {
    const { clock, maxPayloadBytes, isolation } = this.#options;
    const { file, maxMemoryMb, execArgv } = isolation;
    if (this.#all.size >= this.#options.size()) void this.#idle.shift()?.end();
    const child = new IsolatedChild({
      ...{ makeLink, clock, maxPayloadBytes, execArgv },
      start: { file, maxMemoryMb },
    });
    this.#all.add(child);
    child.onGone(() => this.#forget(child));
    return child;
  }

  #giveBack(child: IsolatedChild, alone: boolean): void {
    if (child.isGone) return;
    if (this.#closed || alone || this.#isSpent(child) || this.#all.size > this.#options.size()) {
      void child.end();
    } else this.#idle.push(child);
  }

  /** One that could not load its module never will, and another one may. */
  #isSpent({ runs, usedMb, isUsable }: IsolatedChild): boolean {
    const { recycleAfterJobs, recycleAtMb } = this.#options.isolation;
    if (!isUsable) return true;
    return runs >= (recycleAfterJobs ?? Infinity) || usedMb >= (recycleAtMb ?? Infinity);
  }

  #forget(child: IsolatedChild): void {
    this.#all.delete(child);
    const index = this.#idle.indexOf(child);
    if (index >= 0) this.#idle.splice(index, 1);
  }
}
