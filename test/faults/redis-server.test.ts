import { setTimeout as wait } from 'node:timers/promises';
import type { CheckReport } from 'millrace/history';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { noServer, type RedisServer, startServer } from '../support/redis-server.ts';
import { summarise } from './checked.ts';
import { complaints, Lab } from './lab.ts';

/** More by hand: MILLRACE_SERVER_ENDS=20. */
const ENDS = Number(process.env['MILLRACE_SERVER_ENDS'] ?? 3);
const RESUME_MS = 5_000;

describe.skipIf(noServer)('a Redis that flushes always is killed under its workers', () => {
  let server: RedisServer;
  let lab: Lab;
  let report: CheckReport;
  let level = '';
  const resumedMs: number[] = [];

  beforeAll(async () => {
    server = await startServer({ appendonly: 'yes', appendfsync: 'always' });
    lab = new Lab('redis-server', server.url);
    await lab.configure();
    level = (await lab.store.durability()).level;
    const worker = lab.spawn('worker');
    await lab.workers(1);
    for (const name of ['p1', 'p2']) lab.spawn('producer', { options: { name, job: { holdMs: 30 } } });
    for (let round = 0; round < ENDS; round += 1) {
      await wait(800);
      const over = lab.fault('store', '*', { note: 'the server was killed' });
      await server.crash();
      await server.restart();
      const before = lab.runsOf(worker);
      const from = performance.now();
      over();
      await lab.until('the worker is at work again', () => lab.runsOf(worker) > before);
      resumedMs.push(performance.now() - from);
    }
    report = await lab.finish();
  }, 180_000);

  afterAll(async () => {
    await lab?.remove();
    await server?.stop();
  });

  it('loses nothing that was acknowledged, as it said beforehand, and breaks no other promise', () => {
    expect(level).toBe('disk');
    expect(complaints(report)).toEqual([]);
    expect(report.figures.jobsAcknowledged).toBeGreaterThan(50);
    expect(report.figures.duplicates.unexplained).toBe(0);
    expect(lab.unexpected).toEqual([]);
  });

  it(`finds its worker at work again within ${RESUME_MS} ms of its return, by itself`, () => {
    expect(resumedMs).toHaveLength(ENDS);
    expect(Math.max(...resumedMs)).toBeLessThan(RESUME_MS);
    writeProof({
      ...{ name: 'faults-redis-server', section: 'faults' },
      title: 'Redis with `appendfsync always`: killed and begun again',
      command: 'MILLRACE_SERVER_ENDS=20 npm test -- --only faults',
      ...summarise([report], {
        'ends of the server': ENDS,
        'longest time until a worker was at work again, ms': Math.round(Math.max(...resumedMs)),
      }),
    });
  });
});
