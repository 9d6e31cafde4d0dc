import { setTimeout as wait } from 'node:timers/promises';
import type { Store } from 'millrace';
import type { CheckReport } from 'millrace/history';
import { describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { summarise } from './checked.ts';
import { complaints, Lab } from './lab.ts';
import { noServer } from './postgres-server.ts';
import { Pair } from './postgres-standby.ts';

const RESUME_MS = 5_000;
/** These hold whatever was lost: what is there is whole, its books are in order, and it comes to its end. */
const ALWAYS: readonly string[] = ['S2', 'S3', 'S7', 'A1', 'A2', 'A3', 'A4', 'L1', 'L4'];

interface Measured {
  readonly lost: number;
  readonly resumedMs: number;
  readonly twins: number;
}

interface Change extends Measured {
  readonly report: CheckReport;
  readonly level: string;
}

// Each has servers of its own, and mostly waits for them.
describe.skipIf(noServer).concurrent('a standby takes the place of a PostgreSQL that was killed', () => {
  it('loses no acknowledged job when the standby is waited for', async () => {
    const { report, level, lost, resumedMs } = await changeOver(true);
    expect(level).toBe('replicated');
    expect(complaints(report)).toEqual([]);
    expect(lost).toBe(0);
    expect(report.figures.jobsAcknowledged).toBeGreaterThan(50);
    expect(report.figures.duplicates.unexplained).toBe(0);
    expect(resumedMs).toBeLessThan(RESUME_MS);
  }, 120_000);

  it('loses the last moments when nobody waits for it, says so beforehand, and never gives a token twice', async () => {
    const { report, level, lost, twins } = await changeOver(false);
    expect(level).toBe('disk');
    expect(lost).toBeGreaterThan(0);
    expect(twins).toBe(0);
    const broken = report.violations.filter(({ check }) => ALWAYS.includes(check));
    expect(broken.map(({ message }) => message)).toEqual([]);
  }, 120_000);
});

async function changeOver(isWaitedFor: boolean): Promise<Change> {
  const pair = await Pair.start(isWaitedFor);
  const lab = new Lab(isWaitedFor ? 'pg-sync' : 'pg-async', pair.url);
  try {
    await lab.configure();
    const { level } = await lab.store.durability();
    const worker = lab.spawn('worker');
    await lab.workers(1);
    for (const name of ['p1', 'p2']) lab.spawn('producer', { options: { name, job: { holdMs: 10 } } });
    await lab.until('jobs come', () => lab.acknowledged('p1') > 5);
    const over = lab.fault('store', '*', { note: 'a standby takes over', forgets: 'claims' });
    if (!isWaitedFor) {
      await pair.deafen();
      await wait(1_000);
    }
    await pair.failOver();
    const from = performance.now();
    over();
    const before = lab.runsOf(worker);
    await lab.until('the worker is at work again', () => lab.runsOf(worker) > before);
    const resumedMs = performance.now() - from;
    await wait(1_000);
    const report = await lab.finish();
    const lost = await lostOf(lab.store, lab);
    const twins = report.violations.filter(({ message }) => message.includes('was given out twice')).length;
    prove(isWaitedFor, report, { lost, resumedMs, twins });
    return { report, level, lost, resumedMs, twins };
  } finally {
    await lab.remove();
    await pair.stop();
  }
}

/** Counted apart from the checker: rounds that a producer took for safe, and whose jobs are not there. */
async function lostOf(store: Store, lab: Lab): Promise<number> {
  let lost = 0;
  for (const name of ['p1', 'p2']) {
    for (let round = 0; round < lab.acknowledged(name); round += 1) {
      for (const part of ['1', '2', '3', '4', '5', '6', '7', '8', 'r1', 'r2']) {
        if ((await store.job({ queue: 'work', id: `${name}-${round}-${part}` })) === null) lost += 1;
      }
    }
  }
  return lost;
}

/** What nobody waited for is counted, and is no broken promise: the store says beforehand that it gives `disk`. */
function prove(isWaitedFor: boolean, report: CheckReport, measured: Measured): void {
  const { lost, resumedMs, twins } = measured;
  const how = isWaitedFor ? 'that was waited for (`replicated`)' : 'that nobody waited for (`disk`)';
  const figures = {
    'until the worker was at work again, ms': Math.round(resumedMs),
    'acknowledged jobs gone': lost,
    ...(!isWaitedFor && {
      'jobs acknowledged': report.figures.jobsAcknowledged,
      'jobs that ran again, as their end was gone': report.figures.duplicates.unexplained,
      'tokens given twice': twins,
      'late writes attempted': report.figures.lateWrites.attempted,
      'late writes refused': report.figures.lateWrites.refused,
    }),
  };
  writeProof({
    ...{ name: `faults-postgres-standby-${isWaitedFor ? 'sync' : 'async'}`, section: 'faults' },
    title: `PostgreSQL: the primary killed, and a standby promoted ${how}`,
    command: 'npm test -- --only faults',
    ...(isWaitedFor ? summarise([report], figures) : { figures, faults: report.figures.faults }),
  });
}
