import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { root } from '../tidy/files.ts';
import { CommandLine, JOBS } from './cli-runner.ts';

let cli: CommandLine;

beforeEach(() => {
  cli = new CommandLine();
});

afterEach(() => cli.remove());

test('a job goes from add to done, a failing one to the dead letters and back, and status tells each time', () => {
  expect(cli.run(['add', 'emails', 'welcome', '{"to":"ada"}', '--id', 'ada']).out).toBe(
    'emails\tada\tcreated\n',
  );
  expect(
    cli.run([
      'add',
      'emails',
      'fail',
      '{"to":"bob"}',
      '--id',
      'bob',
      '--attempts',
      '2',
      '--backoff',
      'fixed:0s',
    ]).code,
  ).toBe(0);
  expect(cli.run(['status'])).toMatchObject({
    code: 3,
    out: expect.stringMatching(/^● .*NO WORKERS: 2 ready/),
  });

  const worked = cli.run(['work', JOBS, '--drain']);
  expect(worked).toMatchObject({ code: 0, err: '' });
  expect(worked.out).toMatch(/\tcompleted\temails\tada\twelcome\t/);
  expect(worked.out).toMatch(
    /\tfailed\temails\tbob\tfail\t.*dead letter after attempt 2: TypeError: no route to bob/,
  );
  expect(cli.run(['status'])).toMatchObject({ code: 0, out: expect.stringContaining('has 1 dead letter') });

  expect(cli.json('jobs', 'show', 'ada')).toMatchObject({
    ...{
      state: 'completed',
      result: { sent: { to: 'ada' } },
      attempts: [{ number: 1, outcome: 'completed' }],
    },
    logs: [{ number: 1, text: 'sent by emails' }],
  });
  expect(cli.json('dead', 'ls').jobs).toMatchObject([{ id: 'bob', state: 'failed', failures: 2 }]);
  const shown = cli.run(['dead', 'show', 'bob']).out;
  expect(shown).toContain('#1 retried');
  expect(shown).toContain('#2 failed');
  expect(shown).toContain('cli-jobs.mjs');

  expect(cli.run(['dead', 'replay', '--queue', 'emails', '--yes']).out).toBe('replay: 1 done\n');
  expect(cli.json('jobs', 'show', 'bob')).toMatchObject({ state: 'waiting', generation: 2, failures: 0 });
});

test('kill -9 in the middle of the work loses nothing: the next run does the rest', async () => {
  const payloads = '{"ms":5}\n'.repeat(300);
  expect(cli.run(['add', 'emails', 'slow', '-'], payloads).out).toBe('added 300 jobs to emails\n');
  const killed = cli.start('work', JOBS);
  await killed.until(() => cli.ran().length > 40, 60_000);
  await killed.kill();
  const before = cli.ran().length;
  expect(before).toBeLessThan(300);

  expect(cli.run(['work', JOBS, '--drain']).code).toBe(0);

  expect(new Set(cli.ran()).size).toBe(300);
  // Only what was running when the process died may have run twice.
  expect(cli.ran().length - 300).toBeLessThanOrEqual(4);
  const [queue] = cli.json('queues', 'ls').queues;
  expect(queue.counts).toMatchObject({ completed: 300, waiting: 0, active: 0, failed: 0 });
  expect(cli.run(['doctor', '--verify']).code).toBe(0);
});

test('SIGTERM lets the running job end, takes no other, and the exit code is 0', async () => {
  for (let n = 0; n < 8; n += 1) cli.run(['add', 'emails', 'slow', '{"ms":1500}']);
  const working = cli.start('work', JOBS, '--json');
  await working.until(() => cli.json('queues', 'ls').queues[0].counts.active === 4, 30_000);

  process.kill(Number(working.child.pid), 'SIGTERM');

  expect(await working.end()).toBe(0);
  const events = working.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events.map(({ event }) => event)).toEqual([
    ...['started', 'stopping', 'completed', 'completed', 'completed', 'completed', 'stopped'],
  ]);
  expect(events[1]).toMatchObject({ signal: 'SIGTERM' });
  expect(cli.json('queues', 'ls').queues[0].counts).toMatchObject({ completed: 4, waiting: 4, active: 0 });
});

test('a second signal ends the process at once, with the code of the signal, and burns no attempt', async () => {
  cli.run(['add', 'emails', 'slow', '{"ms":600000}', '--id', 'long', '--attempts', '3']);
  const working = cli.start('work', JOBS);
  await working.until(() => cli.json('queues', 'ls').queues[0].counts.active === 1, 30_000);
  process.kill(Number(working.child.pid), 'SIGINT');
  await working.until(() => working.out.includes('\tstopping\t'), 10_000);

  process.kill(Number(working.child.pid), 'SIGINT');

  expect(await working.end()).toBe(130);
  expect(cli.json('jobs', 'show', 'long')).toMatchObject({ state: 'active', failures: 0 });
});

test('--once ends without the jobs that are not due yet', () => {
  cli.run(['add', 'emails', 'welcome', '{}', '--id', 'now']);
  cli.run(['add', 'emails', 'welcome', '{}', '--id', 'later', '--delay', '1h']);

  expect(cli.run(['work', JOBS, '--once']).code).toBe(0);

  expect(
    cli
      .json('jobs', 'ls', '--oldest')
      .jobs.map((job: { id: string; state: string }) => `${job.id} ${job.state}`),
  ).toEqual(['now completed', 'later delayed']);
});

test('work ends when the modules have closed their workers themselves', () => {
  const closing = join(root, 'dist', 'index.js');
  cli.write(
    'closing.mjs',
    `import { Worker } from ${JSON.stringify(closing)};
     const worker = new Worker('emails', async () => {});
     worker.on('completed', () => void worker.close());`,
  );
  cli.run(['add', 'emails', 'welcome', '{}', '--id', 'last']);

  expect(cli.run(['work', 'closing.mjs'])).toMatchObject({ code: 0, err: '' });

  expect(cli.json('jobs', 'show', 'last')).toMatchObject({ state: 'completed' });
});

test('--store leads every command and the queues of the modules to one file', () => {
  const store = `sqlite:${join(cli.folder, 'elsewhere', 'jobs.db')}`;
  cli.run(['add', 'emails', 'welcome', '{}', '--id', 'x', '--store', store]);

  expect(cli.run(['work', JOBS, '--drain', '--store', store]).code).toBe(0);

  expect(cli.json('jobs', 'show', 'x', '--store', store)).toMatchObject({ state: 'completed' });
  expect(existsSync(join(cli.folder, '.millrace'))).toBe(false);
});

test('--wait prints the result of a job that another process runs', async () => {
  const working = cli.start('work', JOBS);
  try {
    const { code, out } = cli.run([
      'add',
      'emails',
      'welcome',
      '{"n":12345678901234567890}',
      '--wait',
      '--json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      state: 'completed',
      result: { sent: { n: expect.any(Number) } },
    });

    const failed = cli.run(['add', 'emails', 'fail', '{"to":"bob"}', '--wait']);
    expect(failed).toMatchObject({ code: 1, out: '', err: expect.stringContaining('no route to bob') });
  } finally {
    await working.kill();
  }
  expect(cli.run(['add', 'emails', 'welcome', '{}', '--wait', '--wait-timeout', '200ms']).code).toBe(5);
});

test('lines from a file and from a pipe are added, malformed ones are named and left out', () => {
  const lines = ['{"n":1}', 'nonsense', '{"n":3}', '{"n":', '[5]'].join('\n');
  const file = cli.write('orders.ndjson', lines);

  const fromFile = cli.run(['add', 'orders', 'process', '--file', file]);
  const fromPipe = cli.run(['add', 'orders', 'process', '-', '--json'], lines);

  expect(fromFile).toMatchObject({
    code: 1,
    out: 'added 3 jobs to orders, 2 malformed lines were left out\n',
  });
  expect(fromFile.err).toMatch(/^line 2: .*\nline 4: .*\n$/);
  expect(fromPipe.code).toBe(1);
  expect(JSON.parse(fromPipe.out)).toEqual({
    queue: 'orders',
    lines: 5,
    added: 3,
    duplicates: 0,
    malformed: 2,
  });
  expect(cli.json('queues', 'ls').queues[0].counts.waiting).toBe(6);
});

test.each([
  ['a file that is not there', ['work', 'nowhere.mjs'], 2, 'there is no such file'],
  ['a module without workers', ['work', 'empty.mjs'], 2, 'made no Worker'],
  ['a module that throws', ['work', 'broken.mjs'], 1, 'could not be loaded: the configuration is missing'],
  ['both ways to end', ['work', 'empty.mjs', '--once', '--drain'], 2, 'excludes --drain'],
  ['no module at all', ['work'], 2, 'missing required argument'],
  ['a command that is none', ['statsu'], 2, 'Did you mean status?'],
  ['a store that is none', ['status', '--store', 'mysql://x'], 2, 'is not a URL of a store'],
  ['a store that is a file of something else', ['jobs', 'ls', '--store', 'sqlite:empty.mjs'], 1, 'MILLRACE_'],
])('%s is one clear message without a stack', (_, args, code, message) => {
  cli.write('empty.mjs', 'export const nothing = 1;\n');
  cli.write('broken.mjs', "throw new Error('the configuration is missing');\n");

  const ran = cli.run(args);

  expect(ran).toMatchObject({ code, out: '' });
  expect(ran.err).toContain(message);
  expect(ran.err).not.toMatch(/^\s+at /m);
});
