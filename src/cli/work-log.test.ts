import { expect, test } from 'vitest';
import { type TestStore, testStore } from '../testing/index.ts';
import { type Processor, Worker } from '../worker/worker.ts';
import { capture } from './captured.ts';
import type { Cli } from './cli.ts';
import { WorkLog } from './work-log.ts';

interface Form {
  readonly json?: boolean;
  readonly terminal?: boolean;
}

/** What is told while a worker does all that is in the queue. */
async function told(t: TestStore, processor: Processor, form: Form = {}): Promise<string[]> {
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  const out = { isTerminal: form.terminal === true, colour: false, columns: 100, write };
  const cli = { terminal: { out }, clock: t.clock } as unknown as Cli;
  const worker = new Worker('emails', processor, { connection: t.connection, autorun: false });
  new WorkLog({ cli, options: { json: form.json === true } }).follow(worker);
  void worker.run();
  await t.runUntilIdle();
  await worker.close();
  return text.slice(0, -1).split('\n');
}

async function storeWithJob(...options: string[]): Promise<TestStore> {
  const t = testStore();
  await capture(['add', 'emails', 'welcome', '{}', '--id', 'a', ...options], { connection: t.connection });
  return t;
}

test('a completed job is one line with its id and how long it took', async () => {
  const t = await storeWithJob();

  expect(await told(t, async () => 'sent')).toEqual([
    '2026-01-01T00:00:00.000Z\tcompleted\temails\ta\twelcome\t0 ms\t',
  ]);
});

test('a failed attempt says when the next one comes, the last one that the job is a dead letter', async () => {
  const t = await storeWithJob('--attempts', '2', '--backoff', 'fixed:0ms');

  const lines = await told(t, async () => {
    throw new TypeError('no \u001b[31mroute\n');
  });

  expect(lines.map((line) => line.split('\t').slice(1).join(' '))).toEqual([
    'retrying emails a welcome 0 ms attempt 1 failed, next in 0 ms: TypeError: no \\x1b[31mroute\\n',
    'failed emails a welcome 0 ms dead letter after attempt 2: TypeError: no \\x1b[31mroute\\n',
  ]);
});

test('with --json every event is a line that parses, with the fields that are documented', async () => {
  const t = await storeWithJob('--attempts', '2', '--backoff', 'fixed:5s');

  const [line = '', ...others] = await told(
    t,
    async () => {
      throw new Error('no route');
    },
    { json: true },
  );

  expect(others).toEqual([]);
  expect(JSON.parse(line)).toEqual({
    ...{ at: 1767225600000, event: 'retrying', queue: 'emails', id: 'a', name: 'welcome' },
    ...{ attempt: 1, ms: 0, error: { name: 'Error', message: 'no route' }, delayMs: 5_000 },
  });
});

test('on a terminal a line is cut to its width, whatever is in the job', async () => {
  const t = await storeWithJob();

  const [line = ''] = await told(
    t,
    async () => {
      throw new Error('x'.repeat(500));
    },
    { terminal: true },
  );

  expect(line).toMatch(/^\d\d:\d\d:\d\d ✗ emails\/welcome a 0 ms dead letter after attempt 1: Error: x+…$/);
  expect(line.length).toBeLessThanOrEqual(100);
});
