/** Whether a process that adds 10,000 jobs a second still answers: how late its timers are. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { payload } from '../peers/payload.mjs';

const RESOLUTION_MS = 10;
/** Past so many unanswered jobs it stops adding, and so misses the rate. */
const MAX_UNDER_WAY = 20_000;
const IDLE = 'without adding';

/** Adds in each turn of a timer what is due by then, and waits for none of the answers before its time is over. */
async function addAtRate(queue, { perSecond, seconds }) {
  const calls = [];
  let answered = 0;
  const addOne = async () => {
    await queue.add('mail', payload(calls.length));
    answered += 1;
  };
  const started = performance.now();
  const answeredInTime = await new Promise((resolve) => {
    const timer = setInterval(() => {
      const elapsed = (performance.now() - started) / 1000;
      while (calls.length < elapsed * perSecond && calls.length - answered < MAX_UNDER_WAY)
        calls.push(addOne());
      if (elapsed < seconds) return;
      clearInterval(timer);
      resolve(answered);
    }, 1);
  });
  return { perSecond: answeredInTime / seconds, settled: Promise.all(calls) };
}

const nobody = { add: async () => {} };

export const question = {
  peers: ['millrace', 'bullmq'],
  variants: { millrace: [null, IDLE] },
  runs: 3,
  size: { perSecond: 10_000, seconds: 6, warmUpSeconds: 2 },
  quick: { perSecond: 10_000, seconds: 2, warmUpSeconds: 1 },
  rows: () => [
    {
      key: 'p99',
      title: 'event-loop delay p99 of a process adding 10,000 jobs/s',
      unit: 'ms',
      goals: [{ atMost: 10 }],
    },
    {
      key: 'perSecond',
      title: 'jobs acknowledged in time by that process',
      unit: 'jobs/s',
      goals: [{ atLeast: 9900 }],
    },
    {
      key: 'p99',
      title: 'event-loop delay p99 of the same loop adding nothing',
      unit: 'ms',
      peers: ['millrace'],
      variant: IDLE,
    },
  ],
  async measure({ open, variant, size }) {
    const queue = await open();
    const target = variant === IDLE ? nobody : queue;
    const warmUp = await addAtRate(target, { ...size, seconds: size.warmUpSeconds });
    await warmUp.settled;
    const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delays.enable();
    const { perSecond, settled } = await addAtRate(target, size);
    delays.disable();
    await settled;
    await queue.close();
    // The histogram holds the time between two turns of its timer, which is due every 10 ms.
    const beyond = (share) => Math.max(0, delays.percentile(share) / 1e6 - RESOLUTION_MS);
    return { p50: beyond(50), p99: beyond(99), max: delays.max / 1e6 - RESOLUTION_MS, perSecond };
  },
};
