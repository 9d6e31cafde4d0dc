import { setTimeout as wait } from 'node:timers/promises';
import type { CheckReport } from 'millrace/history';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { seeded } from '../support/seeded.ts';
import { summarise } from './checked.ts';
import { complaints, Lab, type Member } from './lab.ts';

/** More by hand: MILLRACE_PAUSES=100. */
const PAUSES = Number(process.env['MILLRACE_PAUSES'] ?? 5);
const SEED = Number(process.env['MILLRACE_SEED'] ?? 20_260_202);
const LEASE_MS = 1_000;

describe(`three workers, stopped ${PAUSES} times for longer than their leases (seed ${SEED})`, () => {
  const lab = new Lab('pause');
  const workers: Member[] = [];
  let report: CheckReport;

  beforeAll(
    async () => {
      const random = seeded(SEED);
      await lab.configure();
      for (let index = 0; index < 3; index += 1)
        workers.push(lab.spawn('worker', { options: { leaseMs: LEASE_MS } }));
      await lab.workers(3);
      lab.spawn('producer', { options: { job: { holdMs: 60, progress: true } } });
      for (let pause = 0; pause < PAUSES; pause += 1) {
        await wait(500 + random() * 500);
        // Stopped in the middle of a write it would keep the file to itself; then nobody can take anything back.
        await lab.freeze(
          workers[Math.floor(random() * workers.length)] as Member,
          LEASE_MS * (2 + random() * 2),
        );
      }
      report = await lab.finish();
    },
    90_000 + PAUSES * 6_000,
  );

  afterAll(() => lab.remove());

  it('had leases that ran out while their holders stood still, and late writes of theirs', () => {
    expect(report.figures.reclaimed).toBeGreaterThan(0);
    expect(report.figures.lateWrites.attempted).toBeGreaterThan(0);
    expect(report.figures.lateWrites.refused).toBe(report.figures.lateWrites.attempted);
  });

  it('kept every promise that a history can be checked for', () => {
    expect(complaints(report)).toEqual([]);
    expect(report.figures.duplicates.unexplained).toBe(0);
    expect(lab.unexpected).toEqual([]);
    writeProof({
      ...{ name: 'faults-pause', section: 'faults', title: 'workers stopped (SIGSTOP) for 2 to 4 leases' },
      command: 'MILLRACE_PAUSES=100 npm test -- --only faults',
      ...summarise([report]),
      seeds: [SEED],
    });
  });
});
