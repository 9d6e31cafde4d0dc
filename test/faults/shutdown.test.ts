import { setTimeout as wait } from 'node:timers/promises';
import type { CheckReport } from 'millrace/history';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { seeded } from '../support/seeded.ts';
import { summarise } from './checked.ts';
import { complaints, Lab, type Member } from './lab.ts';

/** More by hand: MILLRACE_SHUTDOWNS=500. */
const SHUTDOWNS = Number(process.env['MILLRACE_SHUTDOWNS'] ?? 18);
const SEED = Number(process.env['MILLRACE_SEED'] ?? 20_260_202);
/** `close({ timeout: 2 s })`, the grace of aborted processors, and the last calls, on a machine that is busy. */
const CLOSE_MS = 15_000;

describe(`workers asked to end at ${SHUTDOWNS} random moments (seed ${SEED})`, () => {
  const lab = new Lab('shutdown');
  const codes = { inOrder: [] as (number | string)[], atOnce: [] as (number | string)[] };
  let slowest = 0;
  let report: CheckReport;

  beforeAll(
    async () => {
      const random = seeded(SEED);
      await lab.configure();
      lab.spawn('worker');
      for (const holdMs of [0, 30])
        lab.spawn('producer', { options: { name: `p${holdMs}`, job: { holdMs } } });
      const left = Array.from({ length: SHUTDOWNS }, () => ({
        afterMs: random() * 600,
        twice: random() < 0.25,
      }));
      const lane = async (): Promise<void> => {
        for (let next = left.pop(); next !== undefined; next = left.pop()) {
          const worker = lab.spawn('worker', { options: { concurrency: 4 } });
          // From its first breath, when it has no more than asked for jobs, to the middle of its work.
          await lab.begun(worker);
          await wait(next.afterMs);
          await end(worker, next.twice);
        }
      };
      await Promise.all([lane(), lane(), lane()]);
      report = await lab.finish();
    },
    120_000 + SHUTDOWNS * 4_000,
  );

  /** A second signal ends the process at once, which is a crash for what it held. */
  async function end(worker: Member, twice: boolean): Promise<void> {
    const asked = performance.now();
    worker.child.kill('SIGTERM');
    if (twice) {
      lab.fault('exit', worker.pid);
      await wait(1);
      worker.child.kill('SIGTERM');
    }
    const code = await worker.ended;
    slowest = Math.max(slowest, performance.now() - asked);
    codes[twice ? 'atOnce' : 'inOrder'].push(code);
  }

  afterAll(() => lab.remove());

  it('ended in order when asked once, and at once when asked twice', () => {
    // One that is asked before it can listen ends by the signal, and has claimed nothing.
    expect(codes.inOrder.filter((code) => code !== 0 && code !== 'SIGTERM')).toEqual([]);
    expect(codes.atOnce.filter((code) => ![0, 143, 'SIGTERM'].includes(code))).toEqual([]);
    expect(codes.inOrder).toContain(0);
    expect(slowest).toBeLessThan(CLOSE_MS);
    expect(lab.unexpected).toEqual([]);
  });

  it('kept every promise that a history can be checked for: what was handed back burned no attempt', () => {
    expect(complaints(report)).toEqual([]);
    expect(report.figures.duplicates.unexplained).toBe(0);
    writeProof({
      ...{
        name: 'faults-shutdown',
        section: 'faults',
        title: 'workers asked to end at random moments, once or twice',
      },
      command: 'MILLRACE_SHUTDOWNS=500 npm test -- --only faults',
      ...summarise([report], {
        'ended in good order': codes.inOrder.filter((code) => code === 0).length,
        'asked twice': codes.atOnce.length,
        'longest shutdown, ms': Math.round(slowest),
      }),
      seeds: [SEED],
    });
  });
});
