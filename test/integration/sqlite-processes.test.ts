import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { sqliteStore } from 'millrace/sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { makeScratch } from '../support/scratch.ts';

const scratch = makeScratch();
afterAll(() => scratch.remove());

/** What every program below begins with; the path of the database is its argument. */
const BEGIN = `
  import { sqliteStore } from 'millrace/sqlite';
  const store = sqliteStore({ path: process.argv[1] });
  const policy = {
    attempts: 1, backoff: null, retryForMs: null, timeoutMs: null, ttlMs: null, deadLetterQueue: null,
    keepCompletedMs: null, keepFailedMs: null,
  };
  const add = (id) => store.apply([{ op: 'add', jobs: [{
    queue: 'mail', id, name: 'mail', body: new Uint8Array([1]), contentType: 'text/plain', headers: {}, policy,
    priority: 0, lifo: false, delayMs: 0,
  }] }]);
`;

const argsOf = (program: string, path: string): string[] => [
  '--input-type=module',
  '-e',
  BEGIN + program,
  path,
];

/** Runs a program to its own end; one that does not end fails the test by its deadline. */
async function run(program: string, path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, argsOf(program, path), { timeout: 20_000 });
  return stdout.trim();
}

async function idsIn(path: string): Promise<string[]> {
  const store = sqliteStore({ path });
  const { jobs } = await store.find({}, { cursor: null, limit: 1_000, order: 'oldest' });
  expect(await store.verify()).toEqual([]);
  await store.close();
  return jobs.map(({ id }) => id);
}

describe('a SQLite file and the processes that use it', () => {
  it('keeps no process alive, closed or not, watched or not', async () => {
    const path = scratch.nextPath();

    const said = await run(
      `await store.watch([], () => undefined);
       await add('a');
       console.log('done');`,
      path,
    );

    expect(said).toBe('done');
    expect(await idsIn(path)).toEqual(['a']);
  });

  it('keeps a process alive until its calls are answered', async () => {
    const path = scratch.nextPath();

    const said = await run(`add('a').then(() => console.log('answered'));`, path);

    expect(said).toBe('answered');
    expect(await idsIn(path)).toEqual(['a']);
  });

  it('wakes a process when another one has committed', async () => {
    const path = scratch.nextPath();
    const store = sqliteStore({ path });
    const woken = new Promise<unknown>((resolve) => {
      void store.watch(['mail'], resolve);
    });
    await store.durability();

    await run(`await add('a');`, path);

    expect(await woken).toEqual({ queue: 'mail', news: 'unknown' });
    await store.close();
  });

  it('is made once by processes that start together', async () => {
    const path = scratch.nextPath();

    await Promise.all(['a', 'b', 'c'].map((id) => run(`await add('${id}'); await store.close();`, path)));

    expect((await idsIn(path)).toSorted()).toEqual(['a', 'b', 'c']);
  });

  it('gives no job to two processes', async () => {
    const path = scratch.nextPath();
    await run(`for (let n = 0; n < 300; n += 1) await add('job-' + n);`, path);
    const claimAll = `
      const ids = [];
      for (let n = 0; ; n += 1) {
        const [{ jobs }] = await store.claim([{
          claimId: process.pid + '-' + n, queue: 'mail', limit: 3, worker: String(process.pid), leaseMs: 60_000,
        }]);
        if (jobs.length === 0) break;
        ids.push(...jobs.map(({ job }) => job.id));
      }
      console.log(JSON.stringify(ids));`;

    const claimed = await Promise.all([run(claimAll, path), run(claimAll, path)]);

    const ids = claimed.flatMap((text) => JSON.parse(text) as string[]);
    expect(ids).toHaveLength(300);
    expect(new Set(ids).size).toBe(300);
  });

  it('has everything that was acknowledged when a process is killed in the middle of its work', async () => {
    const path = scratch.nextPath();
    const program = `
      await Promise.all(Array.from({ length: 20 }, async (_, lane) => {
        for (let n = 0; ; n += 1) {
          await add(lane + '-' + n);
          process.stdout.write(lane + '-' + n + '\\n');
        }
      }));`;

    const acknowledged = await killAfter(spawnProgram(program, path), 500);

    expect(await idsIn(path)).toEqual(expect.arrayContaining(acknowledged));
  });
});

interface Running {
  readonly lines: () => string[];
  readonly kill: () => Promise<void>;
  readonly onLine: (look: () => void) => void;
}

function spawnProgram(program: string, path: string): Running {
  const child = spawn(process.execPath, argsOf(program, path), { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  const looks: (() => void)[] = [];
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    for (const look of looks) look();
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    // The last line may be cut off by the end of the process.
    lines: () => text.split('\n').slice(0, -1),
    kill: () => {
      child.kill('SIGKILL');
      return ended;
    },
    onLine: (look) => looks.push(look),
  };
}

/** Lets it work until it has said that many lines, kills it, and answers what it said. */
async function killAfter(running: Running, lines: number): Promise<string[]> {
  await new Promise<void>((resolve) => {
    running.onLine(() => {
      if (running.lines().length >= lines) resolve();
    });
  });
  await running.kill();
  return running.lines();
}
