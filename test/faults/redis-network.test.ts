import { setTimeout as wait } from 'node:timers/promises';
import type { CheckReport } from 'millrace/history';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { noServer, type RedisServer, startServer } from '../support/redis-server.ts';
import { seeded } from '../support/seeded.ts';
import { summarise } from './checked.ts';
import { complaints, Lab } from './lab.ts';
import { openRedisGateway } from './redis-gateway.ts';

/** More by hand: MILLRACE_CUTS=1000. */
const CUTS = Number(process.env['MILLRACE_CUTS'] ?? 40);
const SEED = Number(process.env['MILLRACE_SEED'] ?? 20_260_202);
const SILENCE_MS = 5_000;
/** About 20 times a second. */
const FORGET_EVERY_MS = 50;
const FORGETS = 60;

describe.skipIf(noServer)('the way to Redis is cut between a script and its answer, or goes silent', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startServer();
  });

  afterAll(() => server?.stop());

  it(`doubles no job and strands no lease when ${CUTS} answers are lost`, async () => {
    const report = await loseAnswers(`${server.url}?namespace=cut`);
    expect(complaints(report)).toEqual([]);
    expect(report.figures.duplicates).toEqual({ explained: {}, unexplained: 0 });
    expect(report.figures.reclaimed).toBe(0);
  }, 120_000);

  it('goes on by itself when its connections are open and nothing passes', async () => {
    const { report, silentMs, jobs } = await goSilent(`${server.url}?namespace=silent`);
    expect(complaints(report)).toEqual([]);
    expect(report.figures.duplicates.unexplained).toBe(0);
    expect(silentMs).toBeLessThan(SILENCE_MS);
    expect(jobs).toBeGreaterThan(0);
  }, 120_000);

  it('loses nothing while the server forgets all scripts again and again', async () => {
    const report = await forgetScripts(`${server.url}?namespace=scripts`);
    expect(complaints(report)).toEqual([]);
    expect(report.figures.duplicates.unexplained).toBe(0);
    expect(report.figures.jobsAcknowledged).toBeGreaterThan(10);
  }, 120_000);

  async function loseAnswers(url: string): Promise<CheckReport> {
    const random = seeded(SEED);
    const gateway = await openRedisGateway(server.port);
    const lab = new Lab('redis-cut', url);
    try {
      await lab.configure();
      const by = gateway.through(url);
      lab.spawn('worker', { url: by, options: { leaseMs: 20_000 } });
      await lab.workers(1);
      for (const name of ['p1', 'p2'])
        lab.spawn('producer', { url: by, options: { name, job: { holdMs: 10 } } });
      await lab.until('there are answers to lose', () => lab.acknowledged('p1') > 0);
      gateway.isCut = () => {
        if (gateway.cuts >= CUTS || random() > 0.1) return false;
        lab.fault('answer-lost', '*')();
        return true;
      };
      await lab.until('they are lost', () => gateway.cuts >= CUTS);
      const report = await lab.finish();
      writeProof({
        ...{ name: 'faults-redis-cut', section: 'faults' },
        title: 'Redis: connections cut after a script has run and before its answer arrives',
        command: 'MILLRACE_CUTS=1000 npm test -- --only faults',
        ...summarise([report], { 'leases that ran out': report.figures.reclaimed }),
        seeds: [SEED],
      });
      return report;
    } finally {
      await lab.remove();
      await gateway.close();
    }
  }

  /** Calls and news, all at once; new connections pass. */
  async function goSilent(url: string): Promise<{ report: CheckReport; silentMs: number; jobs: number }> {
    const gateway = await openRedisGateway(server.port);
    const lab = new Lab('redis-silent', url);
    try {
      await lab.configure();
      const worker = lab.spawn('worker', { url: gateway.through(url) });
      await lab.workers(1);
      lab.spawn('producer', { options: { rounds: 40, job: { holdMs: 20 } } });
      const isBusy = (): boolean => gateway.listening > 0 && lab.runsOf(worker) > 20;
      await lab.until('it runs and listens', isBusy);
      lab.fault('store', '*', { note: 'nothing passes' });
      expect(gateway.silence()).toBeGreaterThan(1);
      const from = performance.now();
      const before = lab.runsOf(worker);
      await wait(1_000);
      lab.spawn('producer', { options: { name: 'later', rounds: 5 } });
      await lab.until('it runs again', () => lab.runsOf(worker) > before + 20);
      const silentMs = performance.now() - from;
      await lab.until('it listens again', () => gateway.listening > 0);
      const report = await lab.finish();
      writeProof({
        ...{ name: 'faults-redis-silent', section: 'faults' },
        title: 'Redis: connections that are open and let nothing pass',
        command: 'npm test -- --only faults',
        ...summarise([report], { 'until the worker was at work again, ms': Math.round(silentMs) }),
      });
      return { report, silentMs, jobs: lab.runsOf(worker) - before };
    } finally {
      await lab.remove();
      await gateway.close();
    }
  }

  async function forgetScripts(url: string): Promise<CheckReport> {
    const lab = new Lab('redis-scripts', url);
    try {
      await lab.configure();
      lab.spawn('worker');
      await lab.workers(1);
      for (const name of ['p1', 'p2']) lab.spawn('producer', { options: { name, job: { holdMs: 10 } } });
      await lab.until('they are at work', () => lab.acknowledged('p1') > 0);
      for (let turn = 0; turn < FORGETS; turn += 1) {
        await server.ask('SCRIPT', 'FLUSH');
        await wait(FORGET_EVERY_MS);
      }
      const report = await lab.finish();
      writeProof({
        ...{ name: 'faults-redis-scripts', section: 'faults' },
        title: 'Redis: `SCRIPT FLUSH` twenty times a second',
        command: 'npm test -- --only faults',
        ...summarise([report], { 'times that all scripts were forgotten': FORGETS }),
      });
      return report;
    } finally {
      await lab.remove();
    }
  }
});
