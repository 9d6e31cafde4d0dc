/** Opens what a power cut has left, as the next start of the program would, and looks at everything in it. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { JobRecord } from 'millrace';
import { sqliteStore } from 'millrace/sqlite';
import type { Image } from './image.ts';

export interface Found {
  readonly jobs: ReadonlyMap<string, JobRecord>;
  /** Jobs that are there more than once. */
  readonly doubled: readonly string[];
  /** Of the queues, in milliseconds: a setting whose value rises. */
  readonly objectives: ReadonlyMap<string, number>;
  readonly operations: ReadonlySet<string>;
  /** Log lines by job; only read in a thorough look. */
  readonly lines: ReadonlyMap<string, readonly string[]>;
}

export type Outcome =
  | { readonly outcome: 'unopenable'; readonly why: string }
  | { readonly outcome: 'corrupt'; readonly why: string }
  | { readonly outcome: 'whole'; readonly found: Found };

type Store = ReturnType<typeof sqliteStore>;
interface SqlModule {
  readonly DatabaseSync: new (
    path: string,
  ) => { prepare(sql: string): { all(): Record<string, unknown>[] }; close(): void };
}
const { DatabaseSync } = createRequire(import.meta.url)('@photostructure/sqlite') as SqlModule;

/** Writes the image below a folder, which becomes a copy of the disk from `root` on. */
export function writeImage(image: Image, root: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [path, bytes] of image) {
    const target = join(folder, path.slice(root.length));
    if (bytes === null) mkdirSync(target, { recursive: true, mode: 0o700 });
    else writeBelow(target, bytes);
  }
}

function writeBelow(target: string, bytes: Buffer): void {
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  writeFileSync(target, bytes, { mode: 0o600 });
}

/**
 * @param isThorough Also reads attempts and logs, and then adds, claims and completes a job, so that the file is
 *   seen to be of use.
 */
export async function inspect(path: string, isThorough: boolean): Promise<Outcome> {
  // On this thread: what is tested is the file, and a thread for each of thousands would cost more than the look.
  const store = sqliteStore({ path, engine: 'inline' });
  let found: Found;
  try {
    await store.durability();
  } catch (error) {
    await store.close();
    return { outcome: 'unopenable', why: String(error) };
  }
  try {
    const wrong = [...(await store.doctor()), ...(await store.verify())].filter(isBad);
    if (wrong.length > 0) return { outcome: 'corrupt', why: JSON.stringify(wrong[0]) };
    found = await lookAt(store, isThorough);
    if (isThorough) await use(store);
  } catch (error) {
    return { outcome: 'corrupt', why: String(error) };
  } finally {
    await store.close();
  }
  const damage = damageOf(path);
  return damage === null ? { outcome: 'whole', found } : { outcome: 'corrupt', why: damage };
}

/** The images lie in the memory of the machine, which is all that `doctor` may hold against them. */
const isBad = ({ severity, check }: { severity: string; check: string }): boolean =>
  severity === 'error' || (severity === 'warning' && check !== 'durability');

async function lookAt(store: Store, isThorough: boolean): Promise<Found> {
  const jobs = new Map<string, JobRecord>();
  const doubled: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await store.find({}, { cursor, limit: 1_000 });
    for (const job of page.jobs) {
      if (jobs.has(job.id)) doubled.push(`the job ${job.id} is there twice`);
      jobs.set(job.id, job);
    }
    cursor = page.cursor;
  } while (cursor !== null);
  const queues = await store.queues();
  const lines = isThorough ? await linesOf(store, [...jobs.values()]) : new Map();
  if (isThorough) doubled.push(...(await miscounted(store, [...jobs.values()])));
  return {
    jobs,
    doubled,
    objectives: new Map(queues.map(({ queue, settings }) => [queue, settings.objectiveMs])),
    operations: new Set((await store.operations()).map(({ id }) => id)),
    lines,
  };
}

async function linesOf(store: Store, jobs: readonly JobRecord[]): Promise<Map<string, string[]>> {
  const lines = new Map<string, string[]>();
  for (const job of jobs)
    lines.set(
      job.id,
      (await store.logs(job, 0, 1_000)).map(({ text }) => text),
    );
  return lines;
}

/** Every claim has its attempt, but the one that runs. */
async function miscounted(store: Store, jobs: readonly JobRecord[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const job of jobs) {
    const attempts = await store.attempts(job);
    const ended = job.claims - (job.state === 'active' ? 1 : 0);
    const numbers = attempts.map(({ number }) => number).join();
    const expected = Array.from({ length: ended }, (_, index) => index + 1).join();
    if (numbers !== expected) wrong.push(`the job ${job.id} has the attempts ${numbers} of ${ended}`);
  }
  return wrong;
}

async function use(store: Store): Promise<void> {
  const [queue, id] = ['after-the-cut', 'first'];
  const policy = {
    ...{ attempts: 1, backoff: null, retryForMs: null, timeoutMs: null, ttlMs: null },
    ...{ deadLetterQueue: null, keepCompletedMs: null, keepFailedMs: null },
  };
  const job = { queue, id, name: 'a', body: new Uint8Array([123, 125]), contentType: 'application/json' };
  await store.apply([
    { op: 'add', jobs: [{ ...job, headers: {}, policy, priority: 0, lifo: false, delayMs: 0 }] },
  ]);
  const claim = { claimId: 'c-after', queue, limit: 1, worker: 'w', leaseMs: 60_000 };
  const [answer] = await store.claim([claim]);
  const lease = answer?.jobs[0]?.lease;
  if (lease === undefined) throw new Error('a job that was added afterwards is not given out');
  const { settled } = await store.commit([
    { lease, next: { to: 'completed', result: null }, mode: 'strict' },
  ]);
  if (settled[0]?.outcome !== 'ok') throw new Error('a job that was added afterwards cannot be completed');
  const [wrong] = await store.verify();
  if (wrong !== undefined) throw new Error(`after some more work: ${wrong.message}`);
}

/** SQLite's own thorough check, which also compares indexes with their tables. */
function damageOf(path: string): string | null {
  const db = new DatabaseSync(path);
  try {
    const [answer] = db.prepare('pragma integrity_check').all();
    return answer?.['integrity_check'] === 'ok' ? null : String(answer?.['integrity_check']);
  } catch (error) {
    return String(error);
  } finally {
    db.close();
  }
}
