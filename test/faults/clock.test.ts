import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { CheckReport } from 'millrace/history';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { summarise } from './checked.ts';
import { complaints, Lab } from './lab.ts';
import { FAKETIME, missing } from './tools.ts';

/** Longer by hand: MILLRACE_CLOCK_ROUNDS=20. */
const ROUNDS = Number(process.env['MILLRACE_CLOCK_ROUNDS'] ?? 1);
const LEASE_MS = 2_000;
/** Between two jumps, for two looks at leases (one second apart) and some renewals. */
const SETTLE_MS = 2_500;
/**
 * Back and forth, and an hour ahead in the end: what was delayed by a clock that is set back later waits for as long as
 * it was set back.
 */
const JUMPS = [60, -60, 0, -3_600, 3_600];
const reports: CheckReport[] = [];

/** Wall clocks of the processes that are given this file; timers and monotonic clocks go on as they are. */
class FakeClock {
  readonly file: string;

  constructor(lab: Lab, name: string) {
    this.file = join(lab.folder, name);
    this.set(0);
  }

  set(seconds: number): void {
    writeFileSync(this.file, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}s\n`);
  }

  get env(): Record<string, string> {
    return {
      LD_PRELOAD: FAKETIME ?? '',
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }
}

const noFaketime = missing('faketime');

describe.skipIf(noFaketime)('the clock of a machine that jumps while jobs run', () => {
  const lab = new Lab('clock');
  let report: CheckReport;

  beforeAll(
    async () => {
      const clock = new FakeClock(lab, 'clock');
      await lab.configure();
      for (let index = 0; index < 2; index += 1) {
        lab.spawn('worker', { options: { leaseMs: LEASE_MS }, env: clock.env });
      }
      await lab.workers(2);
      lab.spawn('producer', { options: { rounds: 30 * ROUNDS, job: { holdMs: 700 } }, env: clock.env });
      await lab.until('jobs run', async () => (await lab.summary()).counts.active > 8);
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const seconds of JUMPS) {
          lab.fault('clock', '*', { clock: 'store', note: `${seconds} s` })();
          clock.set(seconds);
          await wait(SETTLE_MS);
        }
      }
      report = await lab.finish();
      reports.push(report);
    },
    120_000 + ROUNDS * 60_000,
  );

  afterAll(() => lab.remove());

  it('takes no job from a worker that lives, in whatever direction it jumps', () => {
    expect(report.figures.faults['clock']).toBe(JUMPS.length * ROUNDS);
    expect(report.figures.runs).toBeGreaterThan(100);
    expect(report.figures.reclaimed).toBe(0);
    expect(report.figures.duplicates).toEqual({ explained: {}, unexplained: 0 });
  });

  it('keeps every promise that is not about the time of that clock', () => {
    expect(complaints(report)).toEqual([]);
    expect(lab.unexpected).toEqual([]);
  });
});

describe.skipIf(noFaketime)('processes on one file whose clocks are minutes apart', () => {
  const lab = new Lab('skew');
  let report: CheckReport;

  beforeAll(async () => {
    await lab.configure();
    const workers = [0, 300, -300].map((seconds) => {
      const clock = new FakeClock(lab, `clock${seconds}`);
      clock.set(seconds);
      return lab.spawn('worker', { options: { leaseMs: LEASE_MS, concurrency: 4 }, env: clock.env });
    });
    for (const worker of workers) await lab.begun(worker);
    lab.fault('clock', '*', { clock: 'store', note: 'five minutes ahead and behind' });
    lab.spawn('producer', { options: { rounds: 25 * ROUNDS, job: { holdMs: 400 } } });
    await wait(6_000 * ROUNDS);
    report = await lab.finish();
    reports.push(report);
  }, 120_000);

  afterAll(() => lab.remove());

  it('takes no job from a worker that renews, however wrong it thinks its lease is', () => {
    expect(report.figures.runs).toBeGreaterThan(100);
    expect(report.figures.duplicates).toEqual({ explained: {}, unexplained: 0 });
    expect(complaints(report)).toEqual([]);
  });

  it('leaves its figures', () => {
    writeProof({
      ...{
        name: 'faults-clock',
        section: 'faults',
        title: 'wall clocks that jump by a minute and by an hour, or differ',
      },
      command: 'MILLRACE_CLOCK_ROUNDS=20 npm test -- --only faults',
      ...summarise(reports),
    });
  });
});
