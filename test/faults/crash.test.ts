import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, Queue, type QueueSummary } from 'millrace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Crew, seeded } from './crew.ts';

/** Longer by hand: MILLRACE_CRASH_SECONDS=300, and another MILLRACE_SEED. */
const KILL_MS = Number(process.env['MILLRACE_CRASH_SECONDS'] ?? 12) * 1_000;
const SEED = Number(process.env['MILLRACE_SEED'] ?? 20_260_202);
const FREEZE_MS = 4_000;
const WAIT_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'millrace-crash-'));
const url = `sqlite:${join(folder, 'jobs.db')}`;
const queue = new Queue('work', {
  connection: url,
  // Every kill is a crash of the jobs that ran there; none of them is to blame.
  maxCrashes: 10_000,
  retention: { completed: { count: null } },
});
const connected = connect(url);
const crew = new Crew(folder, url);

/** Jobs that run long enough for a worker to be frozen in the middle; more than one worker has slots for. */
const HELD = 16;
const held: string[] = [];

async function hold(): Promise<void> {
  const ids = Array.from({ length: HELD }, (_, index) => `held-${held.length + index}`);
  await queue.addBulk(ids.map((id) => ({ name: 'held', data: { id, holdMs: 5_000 }, opts: { jobId: id } })));
  held.push(...ids);
  await waitFor('the held jobs run', async () => (await queue.getJobCounts('active')).active === HELD);
}

const wasToldOfLoss = (): boolean => crew.notes(crew.runFile).some(([what]) => what === 'lost');

/** Frozen in the middle of a write, a process keeps the file's lock, and nobody can take anything back: once more. */
async function freezeUntilLost(): Promise<void> {
  for (let tries = 1; tries <= 3 && !wasToldOfLoss(); tries += 1) {
    await hold();
    await crew.freezeOne(1, FREEZE_MS);
    await waitFor('the held jobs are done', async () => (await openJobs()) === 0);
  }
}

/**
 * The first worker leads the upkeep. The second is frozen while it has jobs, for longer than its leases live, so the
 * first takes them back. Then all four are killed, over and over.
 */
async function torment(): Promise<void> {
  crew.add('worker');
  await waitFor('a worker is up', async () => (await connected.store.sessions()).length === 1);
  crew.add('worker');
  await waitFor('both are up', async () => (await connected.store.sessions()).length === 2);
  await freezeUntilLost();
  for (const role of ['producer', 'producer'] as const) crew.add(role);
  await crew.killFor(KILL_MS, seeded(SEED));
}

async function waitFor(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`after ${WAIT_MS} ms still not true: ${what}`);
    await wait(50);
  }
}

async function summary(): Promise<QueueSummary> {
  const found = await queue.summary();
  if (found === null) throw new Error('the queue is gone');
  return found;
}

async function openJobs(): Promise<number> {
  const { counts } = await summary();
  return counts.waiting + counts.delayed + counts.active + counts.blocked + counts.parked;
}

describe(`four processes on one file, killed at random (seed ${SEED})`, () => {
  const acknowledged = new Set<string>();
  const ran = new Set<string>();
  const completions = new Map<string, number>();

  beforeAll(async () => {
    await queue.configure({});
    await torment();
    await crew.killAll('producer');
    await waitFor('no job is open', async () => (await openJobs()) === 0);
    await crew.killAll();
    for (const id of held) acknowledged.add(id);
    for (const [id = ''] of crew.notes(crew.ackFile)) acknowledged.add(id);
    for (const [what, id = ''] of crew.notes(crew.runFile)) {
      if (what === 'run') ran.add(id);
      if (what === 'completed') completions.set(id, (completions.get(id) ?? 0) + 1);
    }
  }, 180_000);

  afterAll(async () => {
    await crew.killAll();
    await queue.close();
    await connected.release();
    rmSync(folder, { recursive: true, force: true });
  });

  it('was killed often enough, and did enough, to mean something', () => {
    expect(crew.kills).toBeGreaterThan(KILL_MS / 2_000);
    expect(acknowledged.size).toBeGreaterThan(500);
    expect(crew.notes(crew.runFile).filter(([what]) => what === 'error')).toEqual([]);
    expect(crew.errors).toEqual([]);
  });

  it('ran every acknowledged job at least once', () => {
    expect([...acknowledged].filter((id) => !ran.has(id))).toEqual([]);
  });

  it('lost no acknowledged job: each is there, and completed', async () => {
    const lost: string[] = [];
    for (const id of acknowledged) {
      const job = await queue.getJob(id);
      if (job?.state !== 'completed') lost.push(`${id}: ${job?.state ?? 'gone'}`);
    }
    expect(lost).toEqual([]);
  });

  it('took back the jobs of the dead, and let nobody settle twice', async () => {
    const { totals } = await summary();
    expect(totals.reclaimed).toBeGreaterThan(0);
    expect([...completions].filter(([, times]) => times > 1)).toEqual([]);
  });

  it('refused the late settlements of the worker that was frozen', () => {
    const late = crew.notes(crew.runFile).filter(([what]) => what === 'lost');
    const tokens = new Set(
      crew
        .notes(crew.runFile)
        .flatMap(([what, id, token]) => (what === 'completed' ? [`${id} ${token}`] : [])),
    );
    expect(late.length).toBeGreaterThan(0);
    expect(late.filter(([, id, token]) => tokens.has(`${id} ${token}`))).toEqual([]);
  });

  it('counted right: the store finds nothing amiss', async () => {
    const { counts, totals } = await summary();

    expect(await connected.store.verify()).toEqual([]);
    expect(counts.completed).toBe(totals.completed);
    expect(totals.completed).toBe(totals.added);
    expect(totals.added).toBeGreaterThanOrEqual(acknowledged.size);
  });
});
