/** Bytes that change at rest, and files that end too early: seen, or without consequence; never a wrong payload. */

import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError, Queue } from 'millrace';
import { sqliteStore } from 'millrace/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seeded } from '../support/seeded.ts';
import { makeFolder, millrace } from './troubled.ts';

/** More by hand: MILLRACE_FLIPS=5000. */
const FLIPS = Number(process.env['MILLRACE_FLIPS'] ?? 120);
const JOBS = 120;
const CODES = [
  'MILLRACE_STORE_CORRUPT',
  'MILLRACE_STORE_UNAVAILABLE',
  'MILLRACE_SCHEMA_VERSION',
  'MILLRACE_ENVIRONMENT',
  'MILLRACE_INVALID_PAYLOAD',
  'damaged',
];
const { folder, remove } = makeFolder();
afterAll(remove);
const whole = join(folder, 'whole.db');
const log = join(folder, 'whole.db-wal');
const textOf = (number: number): string => `payload ${number} `.repeat(1 + (number % 40));
const dataOf = (id: string): unknown => ({ number: Number(id), text: textOf(Number(id)) });

beforeAll(async () => {
  const queue = new Queue('mail', { connection: `sqlite:${whole}` });
  const jobs = Array.from({ length: JOBS }, (_, number) => ({
    name: 'letter',
    data: dataOf(`${number}`),
    opts: { jobId: `${number}` },
  }));
  await queue.addBulk(jobs);
  // With the log as it is while the database is in use: it holds nearly everything.
  copyFileSync(log, join(folder, 'log'));
  await queue.close();
});

interface Seen {
  readonly jobs: number;
  /** Codes of errors, and what was said instead of a payload. */
  readonly told: readonly string[];
  readonly wrong: readonly string[];
}

/** Reads, claims and completes what there is. */
async function use(path: string): Promise<Seen> {
  // Without a thread of its own for each of hundreds of files.
  const store = sqliteStore({ path, engine: 'inline' });
  const queue = new Queue('mail', { connection: store });
  const told: string[] = [];
  const wrong: string[] = [];
  let jobs = 0;
  const noted = async (step: () => Promise<unknown>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      told.push(error.code);
    }
  };
  const check = (id: string, read: () => unknown): void => {
    jobs += 1;
    try {
      const data = read();
      if (JSON.stringify(data) !== JSON.stringify(dataOf(id))) wrong.push(`${id}: ${JSON.stringify(data)}`);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      told.push(error.code);
    }
  };
  try {
    await noted(async () => {
      for (const job of await queue.getJobs(['waiting'], 0, JOBS)) check(job.id, () => job.data);
    });
    await noted(async () => {
      const request = { claimId: 'c', queue: 'mail', limit: JOBS, worker: 'w', leaseMs: 30_000 };
      const [answer] = await store.claim([request]);
      for (const { job } of answer?.jobs ?? []) {
        if (job.contentType !== 'application/json') told.push('damaged');
        else check(job.id, () => JSON.parse(Buffer.from(job.body).toString()));
      }
    });
    await noted(async () => queue.add('letter', {}));
  } finally {
    await queue.close();
    await store.close();
  }
  return { jobs, told, wrong };
}

describe('a byte that changed at rest', () => {
  it.each(['in the database', 'in the log'])(
    `%s is seen or changes nothing, at ${FLIPS} places`,
    async (where) => {
      const random = seeded(where.length);
      const bytes = readFileSync(where === 'in the log' ? join(folder, 'log') : whole);
      let seen = 0;
      for (let flip = 0; flip < FLIPS; flip += 1) {
        const path = join(folder, `${where.length}-${flip}.db`);
        const changed = Uint8Array.from(bytes);
        const at = Math.floor(random() * changed.length);
        changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(random() * 8));
        if (where === 'in the log') {
          writeFileSync(path, '');
          writeFileSync(`${path}-wal`, changed);
        } else writeFileSync(path, changed);

        const { told, wrong } = await use(path);

        expect([at, wrong]).toEqual([at, []]);
        expect(told.filter((code) => !CODES.includes(code))).toEqual([]);
        if (told.length > 0) seen += 1;
      }
      expect(seen).toBeGreaterThanOrEqual(where === 'in the log' ? 0 : 1);
    },
  );
});

describe('a file that ends too early', () => {
  it.each([0.1, 0.5, 0.9])('after %d of its length, is refused with what to do', async (share) => {
    const path = join(folder, `short-${share}.db`);
    copyFileSync(whole, path);
    truncateSync(path, Math.floor(readFileSync(whole).byteLength * share));

    const { told, wrong } = await use(path);

    expect(wrong).toEqual([]);
    expect(told).toContain('MILLRACE_STORE_CORRUPT');
    const doctor = millrace(path, 'doctor', '--verify');
    expect(doctor.text).toMatch(/recover-a-damaged-store\.md/);
    expect(doctor.code).toBe(3);
  });
});
