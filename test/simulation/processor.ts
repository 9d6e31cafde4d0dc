/** Processors of all characters: good ones, failing ones, deaf ones, and some that take their process with them. */

import { digest } from '../../src/history/digest.ts';
import { discard, release, retryIn } from '../../src/job/control.ts';
import { sleep } from '../../src/runtime/clock.ts';
import type { Processor } from '../../src/worker/worker.ts';
import type { SimProcess } from './sim-process.ts';
import type { Doing } from './workload.ts';
import type { World } from './world.ts';

type Parameters = Processor extends (job: infer J, ctx: infer C) => unknown ? [J, C] : never;

export function processorIn(world: World, process: SimProcess): Processor {
  return async (job, ctx) => {
    const run = { queue: job.queueName, id: job.id, token: ctx.token };
    const body = digest(new TextEncoder().encode(JSON.stringify(job.data)));
    world.tell(process, 'run-start', { ...run, worker: ctx.workerId, body });
    const over = world.runs.begin(process, run);
    ctx.signal.addEventListener('abort', over);
    try {
      return await act(world, process, [job, ctx]);
    } finally {
      over();
    }
  };
}

async function act(world: World, process: SimProcess, [job, ctx]: Parameters): Promise<unknown> {
  const doing = job.data as Doing;
  const { clock, chance } = process;
  // Nothing bounds how often a job may be released; here the end of the faults does.
  const isHealed = world.timeline.nowMs >= world.scenario.faultsMs;
  await sleep(clock, doing.ms, doing.does === 'ignore' ? undefined : ctx.signal);
  if (doing.does !== 'ignore') ctx.signal.throwIfAborted();
  switch (doing.does) {
    case 'fail':
      throw new Error('bad luck');
    case 'fail-first':
      if (ctx.attempt <= doing.times) throw new Error('not yet');
      return 'at last';
    case 'ignore':
      // Its lease may be another's by now.
      await ctx.progress({ deaf: true });
      return 'ignored everything';
    case 'report':
      await report([job, ctx], () => sleep(clock, doing.ms, ctx.signal));
      return 'reported';
    case 'retry-in':
      return ctx.attempt > 1 ? 'done' : retryIn(doing.afterMs, 'later');
    case 'release':
      return isHealed || chance.is(0.5) ? 'done' : release({ afterMs: doing.afterMs });
    case 'discard':
      return discard('nobody wants it');
    case 'break':
      throw Object.assign(new Error('cannot be'), { name: 'UnrecoverableError' });
    case 'kill':
      world.log.tell({ fault: 'exit', process, note: 'crash by a job' });
      process.die();
      return 'never seen';
    default:
      return { done: job.id };
  }
}

/** Some of the writes are not waited for, as in programs. */
async function report([job, ctx]: Parameters, rest: () => Promise<void>): Promise<void> {
  await ctx.progress({ half: true });
  ctx.log('half way').catch(() => undefined);
  await rest();
  ctx.signal.throwIfAborted();
  await job.updateData({ ...(job.data as object), reported: true });
}
