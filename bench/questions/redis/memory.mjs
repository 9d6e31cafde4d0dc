/** How many bytes of Redis a job takes while it waits, while it runs, and once it has ended and is kept. */

import { drain, fill } from '../../harness/load.mjs';
import { PEERS } from '../../harness/redis/rows.mjs';

const STATES = ['waiting', 'active', 'finished'];

/** Takes so many jobs and keeps them until it is let go. */
function takeAll(queue, count) {
  let letGo;
  const held = new Promise((resolve) => (letGo = resolve));
  return new Promise((resolve) => {
    let started = 0;
    const processor = async () => {
      started += 1;
      if (started === count) resolve(letGo);
      await held;
    };
    queue.work(count, processor, () => {});
  });
}

export const question = {
  peers: PEERS,
  variants: Object.fromEntries(PEERS.map((peer) => [peer, STATES])),
  runs: 3,
  size: { jobs: 100_000, active: 10_000 },
  quick: { jobs: 10_000, active: 1000 },
  rows: () =>
    STATES.map((variant) => ({
      key: 'bytes',
      title: `memory of Redis per job, ${variant}`,
      unit: 'B',
      variant,
      goals: [{ beside: 'bullmq', variant, atMost: 0.6 }],
    })),
  async measure({ open, variant, size: { jobs, active } }) {
    const queue = await open({ keepAll: true });
    const count = variant === 'active' ? active : jobs;
    // The queue's own keys and the scripts are there before anything is weighed.
    await fill(queue, 1);
    await (await drain(queue, 1, 1)).close();
    const before = await queue.usedMemory();
    await fill(queue, count);
    const letGo = variant === 'active' ? await takeAll(queue, count) : null;
    if (variant === 'finished') await (await drain(queue, count, 1000)).close();
    const bytes = ((await queue.usedMemory()) - before) / count;
    letGo?.();
    await queue.close();
    return { bytes };
  },
};
