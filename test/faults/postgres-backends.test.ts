import { setTimeout as wait } from 'node:timers/promises';
import type { CheckReport } from 'millrace/history';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { seeded } from '../support/seeded.ts';
import { summarise } from './checked.ts';
import { complaints, Lab, type Member } from './lab.ts';
import { administer, type Cluster, noServer, startServer } from './postgres-server.ts';

/** Longer by hand: MILLRACE_TERMINATE_MS=60000, MILLRACE_PAUSES=100. */
const TERMINATE_MS = Number(process.env['MILLRACE_TERMINATE_MS'] ?? 4_000);
const PAUSES = Math.ceil(Number(process.env['MILLRACE_PAUSES'] ?? 5) / 3);
const SEED = Number(process.env['MILLRACE_SEED'] ?? 20_260_202);
const EVERY_MS = 50;
const LEASE_MS = 1_500;

const TERMINATE = `
  select count(pg_terminate_backend(pid)) as ended from (
    select pid from pg_stat_activity where application_name = 'millrace' and backend_type = 'client backend'
    order by random() limit 1) one`;
const ISOLATION = "alter system set default_transaction_isolation = 'serializable'";

describe.skipIf(noServer)('PostgreSQL, with workers and producers under load', () => {
  let server: Cluster;

  beforeAll(async () => {
    server = await startServer();
  });

  afterAll(() => server?.stop());

  /** A lab in a schema of its own, at work. */
  async function work(
    schema: string,
    job: object,
    rounds = 1_000_000,
  ): Promise<{ lab: Lab; workers: Member[] }> {
    const lab = new Lab(`pg-${schema}`, `${server.url}?schema=${schema}`);
    await lab.configure();
    // The first to come leads, and goes on to lead.
    lab.spawn('worker', { options: { concurrency: 1, leaseMs: LEASE_MS } });
    await lab.workers(1);
    const workers = [0, 1].map(() => lab.spawn('worker', { options: { leaseMs: LEASE_MS } }));
    await lab.workers(3);
    for (const name of ['p1', 'p2']) lab.spawn('producer', { options: { name, job, rounds } });
    await lab.until('jobs come', () => lab.acknowledged('p1') > 1);
    return { lab, workers };
  }

  /** One of our connections, 20 times a second, whatever it is doing. */
  async function terminate(client: Client, lab: Lab): Promise<number> {
    let ended = 0;
    lab.fault('store', '*', { note: 'connections ended by the server' });
    for (let left = TERMINATE_MS / EVERY_MS; left > 0; left -= 1) {
      ended += Number((await client.query<{ ended: string }>(TERMINATE)).rows[0]?.ended);
      await wait(EVERY_MS);
    }
    return ended;
  }

  it(`goes on while pg_terminate_backend ends its connections 20 times a second`, async () => {
    const { lab } = await work('terminated', { holdMs: 20, progress: true });
    try {
      const ended = await administer(server.url, (client) => terminate(client, lab));
      const report = await lab.finish();
      expect(ended).toBeGreaterThan(TERMINATE_MS / EVERY_MS / 2);
      kept(report, lab);
      prove('terminate', 'connections ended by pg_terminate_backend 20 times a second', report, {
        'connections ended': ended,
      });
    } finally {
      await lab.remove();
    }
  }, 120_000);

  it('works as ever where the server makes every transaction serializable', async () => {
    const set = (sql: string) => administer(server.url, (client) => client.query(sql));
    await set(ISOLATION);
    await set('select pg_reload_conf()');
    const { lab } = await work('serializable', { holdMs: 10, progress: true }, 25);
    try {
      await lab.until('much was added', () => lab.acknowledged('p1') + lab.acknowledged('p2') >= 40);
      const report = await lab.finish();
      kept(report, lab);
      // Nothing was taken for broken on the way; a heartbeat may be slow on a busy machine.
      expect(lab.errors.filter((line) => !line.includes('did not answer a heartbeat'))).toEqual([]);
      expect(report.figures.duplicates).toEqual({ explained: {}, unexplained: 0 });
      prove('serializable', 'every transaction serializable by default, under load', report, {});
    } finally {
      await lab.remove();
      await set('alter system reset default_transaction_isolation');
      await set('select pg_reload_conf()');
    }
  }, 120_000);

  it(`refuses the late writes of workers that were stopped ${PAUSES} times for longer than their leases`, async () => {
    const random = seeded(SEED);
    const { lab, workers } = await work('paused', { holdMs: 40, progress: true }, 80);
    try {
      for (let pause = 0; pause < PAUSES; pause += 1) {
        await wait(300 + random() * 300);
        await lab.freeze(workers[pause % workers.length] as Member, LEASE_MS * (3 + random()));
      }
      const report = await lab.finish();
      kept(report, lab);
      const { reclaimed, lateWrites } = report.figures;
      expect(reclaimed).toBeGreaterThan(0);
      expect(lateWrites.attempted).toBeGreaterThan(0);
      expect(lateWrites.refused).toBe(lateWrites.attempted);
      prove('pause', 'workers stopped (SIGSTOP) for 3 to 4 leases', report, {});
    } finally {
      await lab.remove();
    }
  }, 120_000);

  function kept(report: CheckReport, lab: Lab): void {
    expect(complaints(report)).toEqual([]);
    expect(report.figures.jobsAcknowledged).toBeGreaterThan(50);
    expect(report.figures.duplicates.unexplained).toBe(0);
    expect(lab.unexpected).toEqual([]);
  }

  function prove(name: string, title: string, report: CheckReport, figures: Record<string, number>): void {
    writeProof({
      ...{ name: `faults-postgres-${name}`, section: 'faults', title: `PostgreSQL: ${title}` },
      command: 'MILLRACE_TERMINATE_MS=60000 MILLRACE_PAUSES=100 npm test -- --only faults',
      ...summarise([report], figures),
      seeds: [SEED],
    });
  }
});
