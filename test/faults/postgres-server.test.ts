import { setTimeout as wait } from 'node:timers/promises';
import { type CheckReport, readHistory } from 'millrace/history';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { summarise } from './checked.ts';
import { complaints, Lab, type Member } from './lab.ts';
import { type Cluster, crash, type Ending, noServer, startServer } from './postgres-server.ts';

/** More by hand: MILLRACE_SERVER_ENDS=20. */
const ROUNDS = Number(process.env['MILLRACE_SERVER_ENDS'] ?? 1);
const WAYS: readonly (Ending | 'killed')[] = ['killed', 'fast', 'killed', 'immediate'];
const RESUME_MS = 5_000;
const WORKERS = 2;

describe.skipIf(noServer)('the server of PostgreSQL ends under its workers, in every way', () => {
  let server: Cluster;
  let lab: Lab;
  let report: CheckReport;
  const workers: Member[] = [];
  /** By the clock that all processes share. */
  const backAt: number[] = [];

  /** All its processes at once, or as its administrator does it. Claims are answered before they are on the disk. */
  async function end(way: Ending | 'killed'): Promise<void> {
    const forgets = way === 'fast' ? {} : { forgets: 'claims' as const };
    const over = lab.fault('store', '*', { note: `the server ended: ${way}`, ...forgets });
    if (way === 'killed') await crash(server);
    else await server.restart(way);
    if (way === 'killed') await server.restart();
    over();
    backAt.push(performance.now());
  }

  /** From the server's return to the worker's next answer that brought a job, for each of its returns. */
  function resumedMs(): number[] {
    const { lines } = readHistory([lab.histories]);
    const ends = lines.filter(
      ({ op, kind, args }) => kind === 'event' && op === 'fault-end' && args !== null,
    );
    return ends.flatMap(({ mono }) =>
      workers.map(({ pid }) => {
        const next = lines.find(
          (line) =>
            line.mono >= mono &&
            line.process.includes(`-${pid}-`) &&
            line.kind === 'event' &&
            line.op === 'run-start',
        );
        return (next?.mono ?? Number.POSITIVE_INFINITY) - mono;
      }),
    );
  }

  beforeAll(
    async () => {
      server = await startServer();
      lab = new Lab('pg-server', server.url);
      await lab.configure();
      for (let index = 0; index < WORKERS; index += 1) workers.push(lab.spawn('worker'));
      await lab.workers(WORKERS);
      for (const name of ['p1', 'p2']) lab.spawn('producer', { options: { name, job: { holdMs: 30 } } });
      for (const way of Array.from({ length: ROUNDS }, () => WAYS).flat()) {
        await wait(800);
        await end(way);
        await lab.until('the server is back', async () => (await lab.summary()).queue === 'work');
        await wait(2_200);
      }
      report = await lab.finish();
    },
    120_000 + ROUNDS * 30_000,
  );

  afterAll(async () => {
    await lab?.remove();
    await server?.stop();
  });

  it('loses nothing that was acknowledged, and breaks no other promise', () => {
    expect(complaints(report)).toEqual([]);
    expect(report.figures.jobsAcknowledged).toBeGreaterThan(100);
    expect(report.figures.duplicates.unexplained).toBe(0);
    expect(lab.unexpected).toEqual([]);
  });

  it(`finds every worker at work again within ${RESUME_MS} ms of its return, by itself`, () => {
    const resumed = resumedMs();
    expect(resumed.length).toBe(WAYS.length * ROUNDS * WORKERS);
    expect(Math.max(...resumed)).toBeLessThan(RESUME_MS);
    writeProof({
      ...{ name: 'faults-postgres-server', section: 'faults' },
      title: 'PostgreSQL: all processes of the server killed, and restarts in good order and at once',
      command: 'MILLRACE_SERVER_ENDS=20 npm test -- --only faults',
      ...summarise([report], {
        'ends of the server': backAt.length,
        'longest time until a worker was at work again, ms': Math.round(Math.max(...resumed)),
      }),
    });
  });
});
