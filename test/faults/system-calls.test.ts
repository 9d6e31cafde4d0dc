import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { CheckReport } from 'millrace/history';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../support/proof.ts';
import { seeded } from '../support/seeded.ts';
import { summarise } from './checked.ts';
import { complaints, Lab } from './lab.ts';
import { missing } from './tools.ts';

/** More by hand: MILLRACE_SYSCALL_KILLS=300. */
const KILLS = Number(process.env['MILLRACE_SYSCALL_KILLS'] ?? 18);
const SEED = Number(process.env['MILLRACE_SEED'] ?? 20_260_202);
/** What a store does to its file. Each is killed at, as often as it is made. */
const CALLS = ['pwrite64', 'fsync,fdatasync'];

describe.skipIf(missing('strace'))(
  `one process, killed at ${KILLS} of its system calls (seed ${SEED})`,
  () => {
    const lab = new Lab('calls');
    let report: CheckReport;
    let kills = 0;

    /** Answers the exit code or the signal. */
    const run = async (wrapper: readonly string[]): Promise<number | string> => {
      const member = lab.spawn('solo', { wrapper });
      const end = await member.ended;
      // strace has no number of the process that it ran; nothing else runs meanwhile, so it can only be this one.
      if (end === 'SIGKILL') lab.fault('kill', lab.newestHistory());
      return end;
    };

    /** How often a run makes this call, when nobody stops it. */
    const countOf = async (call: string): Promise<number> => {
      const trace = join(lab.folder, 'trace');
      expect(await run(['strace', '-f', '-qq', '-o', trace, '-e', `trace=${call}`])).toBe(0);
      const { stdout } = spawnSync('grep', ['-cE', '(pwrite64|fsync|fdatasync)\\(', trace], {
        encoding: 'utf8',
      });
      return Number(stdout);
    };

    beforeAll(
      async () => {
        const random = seeded(SEED);
        await lab.configure();
        for (const call of CALLS) {
          const count = await countOf(call);
          expect(count).toBeGreaterThan(10);
          for (let kill = 0; kill < KILLS / CALLS.length; kill += 1) {
            const at = 1 + Math.floor(((kill + random()) / (KILLS / CALLS.length)) * count);
            const names = call.split(',');
            const inject = names.flatMap((name) => ['-e', `inject=${name}:signal=KILL:when=${at}`]);
            const wrapper = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, ...inject];
            if ((await run(wrapper)) === 'SIGKILL') kills += 1;
          }
        }
        report = await lab.finish();
      },
      60_000 + KILLS * 10_000,
    );

    afterAll(() => lab.remove());

    it('was killed at most of the calls it was to be killed at', () => {
      expect(kills).toBeGreaterThan(KILLS / 2);
      expect(report.figures.jobsAcknowledged).toBeGreaterThan(kills);
      expect(lab.unexpected).toEqual([]);
    });

    it('kept every promise that a history can be checked for', () => {
      expect(complaints(report)).toEqual([]);
      expect(report.figures.duplicates.unexplained).toBe(0);
      writeProof({
        ...{
          name: 'faults-system-calls',
          section: 'system-calls',
          title: 'a process killed between its system calls',
        },
        command: 'MILLRACE_SYSCALL_KILLS=300 npm test -- --only faults',
        ...summarise([report]),
        seeds: [SEED],
      });
    });
  },
);
