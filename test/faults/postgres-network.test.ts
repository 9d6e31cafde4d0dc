import { setTimeout as wait } from 'node:timers/promises';
import { connect, type Store } from 'millrace';
import type { CheckReport } from 'millrace/history';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { seeded } from '../support/seeded.ts';
import { summarise } from './checked.ts';
import { complaints, Lab } from './lab.ts';
import { openPostgresGateway } from './postgres-gateway.ts';
import { type Cluster, noServer, startServer } from './postgres-server.ts';

/** More by hand: MILLRACE_CUTS=1000. */
const CUTS = Number(process.env['MILLRACE_CUTS'] ?? 60);
const SEED = Number(process.env['MILLRACE_SEED'] ?? 20_260_202);
/** A statement is given up after 20 s. */
const SILENCE_MS = 30_000;
/** A transaction whose owner says nothing is given up by the server after 10 s. */
const ABANDONED_MS = 15_000;

describe.skipIf(noServer)(
  'the way to PostgreSQL is cut between a commit and its answer, or goes silent',
  () => {
    let server: Cluster;

    beforeAll(async () => {
      server = await startServer();
    });

    afterAll(() => server?.stop());

    describe.concurrent('at the same time', () => {
      it(`doubles no job and strands no lease when ${CUTS} answers are lost`, async () => {
        const report = await loseAnswers(`${server.url}?schema=cut`);
        expect(complaints(report)).toEqual([]);
        expect(report.figures.duplicates).toEqual({ explained: {}, unexplained: 0 });
        expect(report.figures.reclaimed).toBe(0);
        const repeats = report.made.find(({ check }) => check === 'S15');
        expect(repeats?.judged).toBeGreaterThan(0);
      });

      it('goes on by itself when its connections are open and nothing passes', async () => {
        const { report, silentMs, jobs } = await goSilent(`${server.url}?schema=silent`);
        expect(complaints(report)).toEqual([]);
        expect(report.figures.duplicates.unexplained).toBe(0);
        expect(silentMs).toBeLessThan(SILENCE_MS);
        expect(jobs).toBeGreaterThan(0);
      });

      it('is not held up by a transaction whose owner went silent in the middle of it', async () => {
        expect(await abandonTransaction(`${server.url}?schema=abandoned`)).toBeLessThan(ABANDONED_MS);
      });
    });

    async function loseAnswers(url: string): Promise<CheckReport> {
      const random = seeded(SEED);
      const gateway = await openPostgresGateway(server.port);
      const lab = new Lab('pg-cut', url);
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
          ...{ name: 'faults-postgres-cut', section: 'faults' },
          title: 'PostgreSQL: connections cut after the server has committed and before its answer arrives',
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

    /** Of the pool and of who listens, all at once; new ones pass. */
    async function goSilent(url: string): Promise<{ report: CheckReport; silentMs: number; jobs: number }> {
      const gateway = await openPostgresGateway(server.port);
      const lab = new Lab('pg-silent', url);
      try {
        await lab.configure();
        const worker = lab.spawn('worker', { url: gateway.through(url) });
        await lab.workers(1);
        lab.spawn('producer', { options: { rounds: 40, job: { holdMs: 20 } } });
        await lab.until('it runs and listens', () => gateway.listening === 1 && lab.runsOf(worker) > 20);
        lab.fault('store', '*', { note: 'nothing passes' });
        expect(gateway.silence()).toBeGreaterThan(1);
        const from = performance.now();
        const before = lab.runsOf(worker);
        await wait(1_000);
        lab.spawn('producer', { options: { name: 'later', rounds: 5 } });
        await lab.until('it runs again', () => lab.runsOf(worker) > before + 20);
        const silentMs = performance.now() - from;
        await lab.until('it listens again', () => gateway.listening === 1);
        const report = await lab.finish();
        writeProof({
          ...{ name: 'faults-postgres-silent', section: 'faults' },
          title: 'PostgreSQL: connections that are open and let nothing pass',
          command: 'npm test -- --only faults',
          ...summarise([report], { 'until the worker was at work again, ms': Math.round(silentMs) }),
        });
        return { report, silentMs, jobs: lab.runsOf(worker) - before };
      } finally {
        await lab.remove();
        await gateway.close();
      }
    }

    /** When somebody else may write what the silent one has written to. */
    async function abandonTransaction(url: string): Promise<number> {
      const gateway = await openPostgresGateway(server.port);
      const near = connect(url);
      const far = connect(gateway.through(`${url}&listen=false`));
      try {
        await near.store.apply([{ op: 'configure', queue: 'work', patch: {} }]);
        await far.store.queues();
        // Its rows are changed and locked by then.
        gateway.unsaid = 'commit\0';
        const lost = change(far.store).catch(() => undefined);
        await until(() => gateway.silent > 0);
        const from = performance.now();
        await change(near.store);
        const tookMs = performance.now() - from;
        await gateway.close();
        await lost;
        return tookMs;
      } finally {
        await near.release();
        await far.release();
      }
    }
  },
);

function change(store: Store): Promise<unknown> {
  return store.apply([{ op: 'configure', queue: 'work', patch: { objectiveMs: 1_000 } }]);
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; !isTrue(); turn += 1) {
    if (turn > 500) throw new Error('it did not come to that');
    await wait(20);
  }
}
