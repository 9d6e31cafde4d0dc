/** A cluster of Redis whose slots move and whose masters die, while jobs are added and worked on. */

import { setTimeout as wait } from 'node:timers/promises';
import type { CheckReport } from 'millrace/history';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { slotOf } from '../../src/store/redis/ioredis.ts';
import { writeProof } from '../support/proof.ts';
import { noServer, type RedisCluster, startCluster } from '../support/redis-server.ts';
import { summarise } from './checked.ts';
import { complaints, Lab, type Member } from './lab.ts';
import { ClusterHands } from './redis-cluster.ts';

/** More by hand: MILLRACE_SLOT_MOVES=20. */
const MOVES = Number(process.env['MILLRACE_SLOT_MOVES'] ?? 4);
const RESUME_MS = 5_000;
/** Half of the keys are here and half are there for so long. */
const HALFWAY_MS = 400;

const MODES = [
  { mode: 'together', query: '', tag: '{millrace}:' },
  { mode: 'spread', query: 'spread=queue', tag: '{millrace/work}:' },
];

async function loadedLab(name: string, url: string): Promise<{ lab: Lab; worker: Member }> {
  const lab = new Lab(name, url);
  await lab.configure();
  const worker = lab.spawn('worker');
  await lab.workers(1);
  for (const producer of ['p1', 'p2']) {
    lab.spawn('producer', { options: { name: producer, job: { holdMs: 30 } } });
  }
  return { lab, worker };
}

/** How long the worker takes from now on until it begins another job. */
async function msUntilAtWork(lab: Lab, worker: Member): Promise<number> {
  const before = lab.runsOf(worker);
  const from = performance.now();
  await lab.until('the worker is at work again', () => lab.runsOf(worker) > before);
  return performance.now() - from;
}

describe.skipIf(noServer).each(MODES)('a Redis cluster of which the slots move, queues $mode', (given) => {
  const { mode, query, tag } = given;
  const resumedMs: number[] = [];
  let cluster: RedisCluster;
  let lab: Lab;
  let report: CheckReport;

  beforeAll(async () => {
    cluster = await startCluster();
    const hands = new ClusterHands(cluster);
    const made = await loadedLab(`redis-slots-${mode}`, `${cluster.url}?${query}`);
    lab = made.lab;
    for (let round = 0; round < MOVES; round += 1) {
      await wait(700);
      const over = lab.fault('store', '*', { note: 'a slot moved' });
      await hands.move(slotOf(tag), () => wait(HALFWAY_MS));
      over();
      resumedMs.push(await msUntilAtWork(lab, made.worker));
    }
    report = await lab.finish();
  }, 180_000);

  afterAll(async () => {
    await lab?.remove();
    await cluster?.stop();
  });

  it('loses and doubles nothing, and finds its worker at work again by itself', () => {
    expect(complaints(report)).toEqual([]);
    expect(report.figures.jobsAcknowledged).toBeGreaterThan(50);
    expect(report.figures.duplicates.unexplained).toBe(0);
    expect(lab.unexpected).toEqual([]);
    expect(Math.max(...resumedMs)).toBeLessThan(RESUME_MS);
    writeProof({
      ...{ name: `faults-redis-slots-${mode}`, section: 'faults' },
      title: `A Redis cluster of which slots move, queues ${mode}`,
      command: 'MILLRACE_SLOT_MOVES=20 npm test -- --only faults',
      ...summarise([report], {
        'moves of the slot': MOVES,
        'longest time until a worker was at work again, ms': Math.round(Math.max(...resumedMs)),
      }),
    });
  });
});

describe.skipIf(noServer).each(MODES)('a Redis cluster of which a master dies, queues $mode', (given) => {
  const { mode, query, tag } = given;
  let cluster: RedisCluster;
  let lab: Lab;
  let report: CheckReport;
  let resumedMs = 0;

  beforeAll(async () => {
    cluster = await startCluster({ replicas: 1 });
    const hands = new ClusterHands(cluster);
    const url = `${cluster.url}?${query}&durability=replicated`;
    const made = await loadedLab(`redis-failover-${mode}`, url);
    lab = made.lab;
    await wait(1_500);
    const over = lab.fault('store', '*', { note: 'the master was killed' });
    const master = await hands.ownerOf(slotOf(tag));
    await master.crash();
    await lab.until('the replica has taken over', async () => {
      return (await hands.ownerOf(slotOf(tag)).catch(() => master)).port !== master.port;
    });
    // It copies to nobody until the old one is its replica.
    await master.restart();
    resumedMs = await msUntilAtWork(lab, made.worker);
    over();
    await wait(1_000);
    report = await lab.finish();
  }, 180_000);

  afterAll(async () => {
    await lab?.remove();
    await cluster?.stop();
  });

  it('loses nothing that was acknowledged as replicated, and goes on with the replica', () => {
    expect(complaints(report)).toEqual([]);
    expect(report.figures.jobsAcknowledged).toBeGreaterThan(30);
    expect(report.figures.duplicates.unexplained).toBe(0);
    expect(lab.unexpected).toEqual([]);
    expect(resumedMs).toBeLessThan(2 * RESUME_MS);
    writeProof({
      ...{ name: `faults-redis-failover-${mode}`, section: 'faults' },
      title: `A Redis cluster of which a master dies, \`durability: 'replicated'\`, queues ${mode}`,
      command: 'npm test -- --only faults',
      ...summarise([report], {
        'time until a worker was at work again, ms': Math.round(resumedMs),
      }),
    });
  });
});
