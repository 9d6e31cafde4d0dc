import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { testStore } from '../../testing/index.ts';
import { capture } from '../captured.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-history-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const head = { version: 1, host: 'h', boot: 'b', pid: 1, store: 'sqlite' };

/** A history of two calls: one job is added, and claimed with the body that is given. */
function historyOf(body: string, version = 1): string {
  const file = join(folder, `${body}-${version}.jsonl`);
  const line = (seq: number, rest: object): string =>
    JSON.stringify({ seq, mono: seq, wall: seq, process: 'p', ...rest });
  const job = { queue: 'q', id: 'a', body: 'right', attempts: 1 };
  const grant = {
    ...job,
    body,
    token: 1,
    addedAt: 0,
    claimedAt: 1,
    readyAt: 0,
    rank: 1,
    generation: 1,
    claims: 1,
  };
  const claim = { claimId: 'c', queue: 'q', limit: 1, worker: 'w', leaseMs: 1_000 };
  const lines = [
    line(1, { kind: 'head', op: 'history', args: { ...head, version } }),
    line(2, { kind: 'invoke', op: 'apply', args: { effects: [{ op: 'add', jobs: [job] }] } }),
    line(3, {
      kind: 'ok',
      op: 'apply',
      call: 2,
      answer: [{ op: 'add', jobs: [{ id: 'a', outcome: 'created' }] }],
    }),
    line(4, { kind: 'invoke', op: 'claim', args: [claim] }),
    line(5, { kind: 'ok', op: 'claim', call: 4, answer: [{ claimId: 'c', jobs: [grant] }] }),
  ];
  writeFileSync(file, `${lines.join('\n')}\n{"seq":6,"mono`);
  return file;
}

const t = testStore();
const say = (...args: string[]) => capture(['history', ...args], { connection: t.connection });

test('a history without a broken promise ends well, and what was not checked is said', async () => {
  const { code, out } = await say('check', historyOf('right'), '--complete');
  expect(code).toBe(0);
  expect(out).toMatch(/^No promise was broken: \d+ checks made on 5 lines of 1 files/);
  expect(out).toMatch(/S20 +the feature does not exist yet/);
});

test('a broken promise is shown with the lines that prove it, and the exit code is 3', async () => {
  const { code, out } = await say('check', historyOf('wrong'), '--complete');
  expect(code).toBe(3);
  expect(out).toMatch(/S2 +job q\/a .*another body\n +p line 5: claim ok/);

  const json = JSON.parse((await say('check', historyOf('wrong'), '--complete', '--json')).out);
  expect(json).toMatchObject({
    ok: false,
    torn: 1,
    violations: [{ check: 'S2', lines: [{ process: 'p', seq: 5 }] }],
  });
});

test('a summary counts what is there', async () => {
  const { code, out } = await say('summary', historyOf('right'));
  expect(code).toBe(0);
  expect(out).toMatch(/claims\t1\n/);
  expect(out).toMatch(/lines that are torn\t1\n/);
});

test('what is no history, or of a newer format, is refused as a mistake of the command line', async () => {
  expect((await say('check', join(folder, 'not-there'))).code).toBe(2);
  expect((await say('check', historyOf('right', 99))).code).toBe(2);
  const other = join(folder, 'other.json');
  writeFileSync(other, '{"some":"thing"}\n');
  expect((await say('check', other)).code).toBe(2);
});
