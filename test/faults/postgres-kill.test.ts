import { setTimeout as wait } from 'node:timers/promises';
import type { CheckReport } from 'millrace/history';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { seeded } from '../support/seeded.ts';
import { summarise } from './checked.ts';
import { complaints, Lab, type Member } from './lab.ts';
import { type Cluster, noServer, startServer } from './postgres-server.ts';

/** More by hand: MILLRACE_KILLS=2000, and another MILLRACE_SEED. */
const KILLS = Math.ceil(Number(process.env['MILLRACE_KILLS'] ?? 110) / 4);
const SEED = Number(process.env['MILLRACE_SEED'] ?? 20_260_202);
const WORKERS = 3;
const PRODUCERS = ['p1', 'p2'];

describe.skipIf(noServer)(`workers and producers on PostgreSQL, killed ${KILLS} times (seed ${SEED})`, () => {
  let server: Cluster;
  let lab: Lab;
  const members: Member[] = [];
  let report: CheckReport;

  const start = (index: number): Member => {
    const producer = PRODUCERS[index - WORKERS];
    if (producer === undefined) return lab.spawn('worker');
    return lab.spawn('producer', { options: { name: producer, job: { holdMs: 50 } } });
  };

  beforeAll(
    async () => {
      const random = seeded(SEED);
      server = await startServer();
      lab = new Lab('pg-kill', server.url);
      await lab.configure();
      for (let index = 0; index < WORKERS + PRODUCERS.length; index += 1) members.push(start(index));
      const byAge = [...members.keys()];
      await lab.workers(WORKERS);
      for (let kill = 0; kill < KILLS; kill += 1) {
        await wait(50 + random() * 300);
        // One of the older half: a process that has not even begun can be killed without any harm.
        const [index = 0] = byAge.splice(Math.floor((random() * members.length) / 2), 1);
        await lab.kill(members[index] as Member);
        members[index] = start(index);
        byAge.push(index);
      }
      report = await lab.finish();
    },
    120_000 + KILLS * 1_000,
  );

  afterAll(async () => {
    await lab?.remove();
    await server?.stop();
  });

  it('did enough to mean something', () => {
    const { figures } = report;
    expect(figures.faults['kill']).toBeGreaterThanOrEqual(KILLS);
    expect(figures.jobsAcknowledged).toBeGreaterThan(KILLS);
    expect(figures.recoveryMs.length).toBeGreaterThan(0);
    expect(lab.unexpected).toEqual([]);
  });

  it('kept every promise that a history can be checked for', () => {
    expect(complaints(report)).toEqual([]);
    const judged = new Map(report.made.map((made) => [made.check, made.judged]));
    for (const check of ['S1', 'S2', 'S5', 'S6', 'S8', 'S9', 'S10', 'S11', 'A1', 'A2', 'D1'] as const) {
      expect([check, (judged.get(check) ?? 0) > 0]).toEqual([check, true]);
    }
  });

  it('ran no job twice without a reason', () => {
    expect(report.figures.duplicates.unexplained).toBe(0);
    writeProof({
      ...{ name: 'faults-postgres-kill', section: 'faults' },
      title: 'PostgreSQL: workers and producers killed at random moments',
      command: 'MILLRACE_KILLS=2000 npm test -- --only faults',
      ...summarise([report]),
      seeds: [SEED],
    });
  });
});
