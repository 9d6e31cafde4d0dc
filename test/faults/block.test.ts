import type { CheckReport } from 'millrace/history';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { summarise } from './checked.ts';
import { complaints, Lab } from './lab.ts';

/** More by hand: MILLRACE_BLOCKS=60. */
const BLOCKS = Number(process.env['MILLRACE_BLOCKS'] ?? 4);
const LEASE_MS = 1_000;

describe(`processors that block the event loop of their worker for two leases, ${BLOCKS} times`, () => {
  const lab = new Lab('block');
  let report: CheckReport;

  beforeAll(
    async () => {
      await lab.configure();
      for (let index = 0; index < 2; index += 1) lab.spawn('worker', { options: { leaseMs: LEASE_MS } });
      await lab.workers(2);
      // Whoever gets such a job blocks; what it does to the jobs beside it is the point.
      const over = lab.fault('block', '*');
      lab.spawn('producer', {
        options: { name: 'block', rounds: Math.ceil(BLOCKS / 10), job: { blockMs: 2 * LEASE_MS } },
      });
      lab.spawn('producer', {
        options: { name: 'beside', rounds: 20, job: { holdMs: 100, progress: true } },
      });
      await lab.until(
        'all are added',
        () => lab.acknowledged('beside') === 20 && lab.acknowledged('block') > 0,
      );
      report = await lab.finish();
      over();
    },
    120_000 + BLOCKS * 20_000,
  );

  afterAll(() => lab.remove());

  it('came to its end with every job completed', async () => {
    const { counts, totals } = await lab.summary();
    expect(counts.completed).toBe(totals.added);
    expect(lab.unexpected).toEqual([]);
  });

  it('kept every promise that a history can be checked for', () => {
    expect(complaints(report)).toEqual([]);
    expect(report.figures.duplicates.unexplained).toBe(0);
    expect(report.figures.lateWrites.refused).toBe(report.figures.lateWrites.attempted);
    writeProof({
      ...{
        name: 'faults-block',
        section: 'faults',
        title: 'processors that block the event loop for two leases',
      },
      command: 'MILLRACE_BLOCKS=60 npm test -- --only faults',
      ...summarise([report]),
    });
  });
});
