/** Which files can be processors, what is said about those that cannot, and what outlives whom. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { InvalidOptionError, Queue, Worker } from 'millrace';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { makeScratch } from '../support/scratch.ts';
import { Bench, fileOf, isAlive, waitFor } from './isolation-setup.ts';

const scratch = makeScratch();
afterAll(() => scratch.remove());

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const runsTypeScript = major > 23 || (major === 22 && minor >= 18) || (major === 23 && minor >= 6);

const problemsOf = (make: () => Worker): readonly string[] => {
  try {
    void make().close();
    return [];
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
};

test.each(['named.cjs', 'compiled.cjs'])('%s is a processor', async (name) => {
  bench.work({}, fileOf(name));

  expect(await (await bench.add('any', {}, { jobId: 'a' })).result()).toEqual({
    from: name.split('.')[0],
    id: 'a',
  });
});

test('TypeScript runs where Node runs it, and else is refused with what to do', async () => {
  bench.work({}, fileOf('typed.ts'));
  const job = await bench.endOf(await bench.add('welcome', { to: 'ada' }));

  if (runsTypeScript) expect(job.returnvalue).toEqual({ from: 'typed', to: 'ada' });
  else {
    expect(job.error).toMatchObject({
      code: 'MILLRACE_PROCESSOR_LOAD',
      message: expect.stringMatching(/TypeScript.*Node 22\.18.*--import tsx.*execArgv/),
    });
  }
});

test.each(['process', 'thread'] as const)(
  'a %s gets the options of Node that the worker says',
  async (isolation) => {
    const loader = `data:text/javascript,${encodeURIComponent('globalThis.fromLoader = 5;')}`;
    const path = scratch.nextPath().replace(/\.db$/, '.mjs');
    writeFileSync(path, 'export const processor = () => globalThis.fromLoader;');
    const file = new URL(`file://${path}`);
    bench.work({ isolation, execArgv: ['--import', loader] }, file);

    expect(await (await bench.add('any')).result()).toBe(5);
  },
);

test('an absolute path is as good as a URL', async () => {
  const worker = new Worker('orders', fileURLToPath(fileOf('named.cjs')), {
    connection: 'memory:',
    autorun: false,
  });
  await worker.close();
});

test.each([
  ['broken.mjs', /could not be loaded: no settings/, 'RangeError: no settings'],
  ['no-function.mjs', /exports no function.* but value\./, 'ProcessorLoadError'],
  ['makes-worker.mjs', /file of its own, which makes no worker/, 'UnsupportedError'],
])('%s fails the attempt, and says why', async (name, message, stack) => {
  bench.work({}, fileOf(name));
  const job = await bench.endOf(await bench.add('any', {}, { attempts: 2, backoff: 1 }));

  expect([job.state, job.cause, job.attemptsMade]).toEqual(['failed', 'attempts-spent', 2]);
  expect(job.error).toMatchObject({
    code: 'MILLRACE_PROCESSOR_LOAD',
    message: expect.stringMatching(message),
  });
  expect(job.error?.stack).toContain(stack);
});

test('a file that is not there is refused when the worker is made', () => {
  const made = (file: URL | string) => problemsOf(() => new Worker('orders', file));

  expect(made(fileOf('nowhere.mjs'))).toEqual([
    expect.stringMatching(/^processor: there is no file .*nowhere\.mjs$/),
  ]);
  expect(made(new URL('.', fileOf('deeds.mjs')))).toEqual([expect.stringMatching(/there is no file/)]);
  expect(made('./deeds.mjs')).toEqual([
    expect.stringMatching(/^processor: must be a file.*import\.meta\.url/),
  ]);
  expect(made(new URL('https://example.com/x.js'))).toEqual([expect.stringMatching(/must be a file/)]);
});

test('what is said about children is checked, and refused where there are none', () => {
  const here = problemsOf(() => new Worker('orders', () => undefined, { recycleAtMb: 5 } as never));
  const wrong = { isolation: 'processes', maxMemoryMb: 1, recycleAfterJobs: 0, execArgv: '--import' };
  const there = problemsOf(() => new Worker('orders', fileOf('deeds.mjs'), wrong as never));

  expect(here).toEqual([
    expect.stringMatching(/^options\.recycleAtMb: is for a processor that is given by file/),
  ]);
  expect(there).toEqual([
    expect.stringMatching(/^options\.isolation: .*process/),
    expect.stringMatching(/^options\.maxMemoryMb: /),
    expect.stringMatching(/^options\.recycleAfterJobs: /),
    expect.stringMatching(/^options\.execArgv: /),
  ]);
});

test('a child does not outlive its worker, not even in an endless loop', async () => {
  const url = `sqlite:${scratch.nextPath()}`;
  const noted = scratch.lastPath().replace(/\.db$/, '.txt');
  writeFileSync(noted, '');
  const queue = new Queue('orders', { connection: url });
  await queue.add('note', { file: noted });
  const args = ['--no-warnings', fileURLToPath(fileOf('doomed-worker.mjs'))];
  const worker = spawn(process.execPath, args, { env: { ...process.env, MILLRACE_URL: url } });
  await waitFor('the child loops', () => readFileSync(noted, 'utf8') !== '');
  const pid = Number(readFileSync(noted, 'utf8'));
  expect(isAlive(pid)).toBe(true);

  const ended = once(worker, 'exit');
  worker.kill('SIGKILL');
  await ended;

  await waitFor('the child is gone', () => !isAlive(pid));
  await queue.close();
});

test('the example runs, and its event loop stays free', async () => {
  const example = fileURLToPath(new URL('../../examples/apart/main.mjs', import.meta.url));
  const env = { ...process.env, MILLRACE_URL: `sqlite:${scratch.nextPath()}` };
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', example], { env });

  expect(stdout.split('\n')).toEqual([
    '17984 primes below 200000',
    'failed: MILLRACE_PROCESSOR_CRASHED',
    '25997 primes below 300000',
    'the event loop was free all the time',
    '',
  ]);
});

test('the command line runs workers whose processor is a file', async () => {
  const url = `sqlite:${scratch.nextPath()}`;
  const queue = new Queue('orders', { connection: url });
  const job = await queue.add('where', {});
  const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const path = fileURLToPath(fileOf('doomed-worker.mjs'));
  const args = ['--no-warnings', cli, 'work', path, '--drain', '--store', url];
  await promisify(execFile)(process.execPath, args);

  const { pid } = (await job.result()) as { pid: number };
  expect(isAlive(pid)).toBe(false);
  await queue.close();
});
