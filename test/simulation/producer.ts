/** A process that adds jobs, and people who cancel, redrive, pause: through the public API, as programs do. */

import { MillraceError, StoreUnavailableError } from '../../src/errors.ts';
import { Queue } from '../../src/queue/queue.ts';
import { sleep } from '../../src/runtime/clock.ts';
import { skewOf } from './fleet.ts';
import { SimProcess } from './sim-process.ts';
import { type Addition, type Planned, type Step, stepsOf } from './workload.ts';
import type { World } from './world.ts';

export class Producer {
  readonly process: SimProcess;
  readonly #world: World;
  readonly #steps: readonly Planned[];
  readonly #queues: ReadonlyMap<string, Queue>;
  /** Ids by queue, of jobs that were perhaps added. */
  readonly #ids = new Map<string, string[]>();
  readonly #own: { readonly queue: string; readonly jobId: string; readonly addition: Addition }[] = [];
  isDone = false;

  constructor(world: World, name: string) {
    const chance = world.chance.part();
    this.#world = world;
    this.process = new SimProcess(name, world.timeline, chance);
    this.process.skewMs = skewOf(chance);
    this.#steps = stepsOf(world.scenario, chance);
    const { clock } = this.process;
    const connection = { store: world.connect(this.process), clock, random: chance };
    this.#queues = new Map(
      world.scenario.queues.map(({ name: queue, maxCrashes, deadLetterQueue }) => {
        const settings = { maxCrashes, ...(deadLetterQueue !== null && { deadLetterQueue }) };
        return [queue, new Queue(queue, { connection, ...settings })];
      }),
    );
    void this.#run();
  }

  async #run(): Promise<void> {
    const { clock } = this.process;
    const startedMs = clock.monotonic();
    const steps = this.#steps.map(async ({ atMs, step }) => {
      await sleep(clock, startedMs + atMs - clock.monotonic());
      await this.#take(step);
    });
    await Promise.all(steps);
    this.isDone = true;
  }

  /** Refusals are answers, too; only what is no error of the product is broken. */
  async #take(step: Step): Promise<void> {
    const queue = this.#queues.get(step.queue);
    if (queue === undefined) return;
    try {
      if (step.step === 'add') await this.#add(queue, step.jobs);
      else if (step.step === 'add-again') await this.#addAgain(queue, step.pick);
      else if (step.step === 'resume') await this.#untilDone(() => queue.resume());
      else await this.#move(queue, step);
    } catch (error) {
      if (!(error instanceof MillraceError)) this.#world.broken.push(`${step.step}: ${String(error)}`);
    }
  }

  async #add(queue: Queue, jobs: readonly Addition[]): Promise<void> {
    const ids = this.#idsOf(queue.name);
    const [first] = jobs;
    if (jobs.length === 1 && first !== undefined) {
      // An own id makes it safe to add it again when nobody knows whether it was added.
      const own = this.process.chance.is(0.3) && first.options.removeOnComplete === undefined;
      const jobId = `${queue.name}-${this.process.name}-${ids.length}`;
      const add = () => queue.add('job', first.data, own ? { ...first.options, jobId } : first.options);
      if (own) {
        ids.push(jobId);
        this.#own.push({ queue: queue.name, jobId, addition: first });
      }
      const job = await (own ? this.#untilDone(add) : add());
      if (!own) ids.push(job.id);
      return;
    }
    const added = await queue.addBulk(
      jobs.map(({ data, options }) => ({ name: 'job', data, opts: options })),
    );
    ids.push(...added.map(({ id }) => id));
  }

  async #addAgain(queue: Queue, pick: number): Promise<void> {
    const own = this.#own.filter((one) => one.queue === queue.name);
    const again = own[Math.floor(pick * own.length)];
    if (again === undefined) return;
    const { addition, jobId } = again;
    await queue.add('job', addition.data, { ...addition.options, jobId });
  }

  async #untilDone<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error;
        await sleep(this.process.clock, 500);
      }
    }
  }

  async #move(queue: Queue, step: Exclude<Step, { step: 'add' | 'add-again' }>): Promise<void> {
    if (step.step === 'pause') return queue.pause();
    if (step.step === 'redrive-all') return void (await queue.redrive({ states: ['failed'] }));
    if (!('pick' in step)) return;
    const ids = this.#idsOf(queue.name);
    const id = ids[Math.floor(step.pick * ids.length)];
    const job = id === undefined ? undefined : await queue.getJob(id);
    if (job === undefined) return;
    switch (step.step) {
      case 'prioritize':
        return job.changePriority({ priority: step.priority });
      case 'delay':
        return job.changeDelay(step.delayMs);
      case 'discard':
        return job.remove();
      default:
        return job[step.step]();
    }
  }

  #idsOf(queue: string): string[] {
    const ids = this.#ids.get(queue) ?? [];
    this.#ids.set(queue, ids);
    return ids;
  }
}
