import { StoreUnavailableError } from '../../src/errors.ts';
import { Queue } from '../../src/queue/queue.ts';
import { sleep } from '../../src/runtime/clock.ts';
import { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

const EVERY_MS = 1_000;

/** Somebody who looks at the queues when all is well again: those that were left paused go on. */
export async function operate(world: World): Promise<void> {
  const chance = world.chance.part();
  const process = new SimProcess('operator', world.timeline, chance);
  const connection = { store: world.connect(process), clock: process.clock, random: chance };
  const queues = world.scenario.queues.map(({ name }) => new Queue(name, { connection }));
  for (;;) {
    for (const queue of queues) await resume(queue);
    await sleep(process.clock, EVERY_MS);
  }
}

async function resume(queue: Queue): Promise<void> {
  try {
    if (await queue.isPaused()) await queue.resume();
  } catch (error) {
    // Asked again soon.
    if (!(error instanceof StoreUnavailableError)) throw error;
  }
}
