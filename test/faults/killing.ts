/** Workers and producers that are killed at random moments, whatever their store is; and what must hold afterwards. */

import { setTimeout as wait } from 'node:timers/promises';
import type { CheckReport } from 'millrace/history';
import { expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { seeded } from '../support/seeded.ts';
import { summarise } from './checked.ts';
import { complaints, type Lab, type Member } from './lab.ts';

/** More by hand: MILLRACE_KILLS=2000, and another MILLRACE_SEED. */
export const KILLS: number = Number(process.env['MILLRACE_KILLS'] ?? 110);
export const SEED: number = Number(process.env['MILLRACE_SEED'] ?? 20_260_202);
const PRODUCERS = ['p1', 'p2'];

export interface Killing {
  readonly kills: number;
  readonly workers: number;
  /** A job takes so long. */
  readonly holdMs: number;
  /** At most, from one kill to the next. */
  readonly pauseMs: number;
  /** Who leads upkeep is not killed. */
  readonly isLedSteadily: boolean;
}

/** Enough for all of it. */
export function limitMs(kills: number): number {
  return 120_000 + kills * 1_000;
}

export async function killAtRandom(lab: Lab, killing: Killing): Promise<CheckReport> {
  const { kills, workers, holdMs, pauseMs, isLedSteadily } = killing;
  const start = (index: number): Member => {
    const producer = PRODUCERS[index - workers];
    if (producer === undefined) return lab.spawn('worker');
    return lab.spawn('producer', { options: { name: producer, job: { holdMs } } });
  };
  const random = seeded(SEED);
  await lab.configure();
  if (isLedSteadily) {
    // The first to come leads, and goes on to lead.
    lab.spawn('worker', { options: { concurrency: 1 } });
    await lab.workers(1);
  }
  const members = Array.from({ length: workers + PRODUCERS.length }, (_, index) => start(index));
  const byAge = [...members.keys()];
  await lab.workers(workers);
  for (let kill = 0; kill < kills; kill += 1) {
    await wait(50 + random() * pauseMs);
    // One of the older half: a process that has not even begun can be killed without any harm.
    const [index = 0] = byAge.splice(Math.floor((random() * members.length) / 2), 1);
    await lab.kill(members[index] as Member);
    members[index] = start(index);
    byAge.push(index);
  }
  return lab.finish();
}

/** What was made by `killAtRandom` in a `beforeAll`. */
export interface Killed {
  readonly lab: Lab;
  readonly report: CheckReport;
}

export function keepsItsPromises(
  killed: () => Killed,
  kills: number,
  { name, title }: { readonly name: string; readonly title: string },
): void {
  it('was killed often enough, and did enough, to mean something', () => {
    const { lab, report } = killed();
    const { figures } = report;
    expect(figures.faults['kill']).toBeGreaterThanOrEqual(kills);
    expect(figures.jobsAcknowledged).toBeGreaterThan(kills);
    expect(figures.recoveryMs.length).toBeGreaterThan(0);
    expect(lab.unexpected).toEqual([]);
  });

  it('kept every promise that a history can be checked for', () => {
    const { report } = killed();
    expect(complaints(report)).toEqual([]);
    const judged = new Map(report.made.map((made) => [made.check, made.judged]));
    for (const check of ['S1', 'S2', 'S5', 'S6', 'S8', 'S9', 'S10', 'S11', 'A1', 'A2', 'D1'] as const) {
      expect([check, (judged.get(check) ?? 0) > 0]).toEqual([check, true]);
    }
  });

  it('ran no job twice without a reason', () => {
    const { report } = killed();
    expect(report.figures.duplicates.unexplained).toBe(0);
    writeProof({
      ...{ name, section: 'faults', title },
      command: 'MILLRACE_KILLS=2000 npm test -- --only faults',
      ...summarise([report]),
      seeds: [SEED],
    });
  });
}
