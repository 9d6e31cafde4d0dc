import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  EnvironmentError,
  InvalidOptionError,
  StoreCorruptError,
  StoreUnavailableError,
} from '../../errors.ts';
import { newJob } from '../../testing/conformance/support.ts';
import { type DriverConnection, loadDriver } from './driver.ts';
import { Engine, type Reply } from './engine.ts';
import { bytesOf } from './place.ts';
import type { Call, VerbName } from './verbs.ts';

let lastId = 0;
const call = (verb: VerbName, ...args: unknown[]): Call => {
  lastId += 1;
  return { id: lastId, verb, args, now: null };
};
const addCall = (id: string): Call => call('apply', [{ op: 'add', jobs: [newJob({ id })] }]);
const answerOf = (reply: Reply | undefined): unknown => (reply && 'value' in reply ? reply.value : undefined);
const failureOf = (reply: Reply | undefined): unknown =>
  reply && 'error' in reply ? reply.error : undefined;

describe('the engine', () => {
  let directory: string;
  let path: string;
  let engine: Engine;
  let other: DriverConnection | null;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-'));
    path = join(directory, 'x.db');
    engine = new Engine({ path, patienceMs: 20 });
    other = null;
  });
  afterEach(() => {
    other?.close();
    engine.close();
    rmSync(directory, { recursive: true });
  });

  const connect = (): DriverConnection => {
    other = loadDriver('file').open(path);
    return other;
  };
  const ids = (): unknown[] => {
    const [reply] = engine.run([call('find', {}, { cursor: null, limit: 1_000, order: 'oldest' })]).replies;
    return (answerOf(reply) as { jobs: { id: string }[] }).jobs.map(({ id }) => id);
  };
  const logBytes = (): number => statSync(`${path}-wal`).size;

  it('writes a group of calls in one transaction', () => {
    engine.run([addCall('first')]);
    const before = logBytes();
    engine.run([addCall('alone')]);
    const aloneBytes = logBytes() - before;

    const calls = Array.from({ length: 50 }, (_, index) => addCall(`grouped-${index}`));
    const { replies } = engine.run(calls);

    expect(replies.map(({ id }) => id)).toEqual(calls.map(({ id }) => id));
    // Each transaction writes the pages that it touched once more: fifty of them would be fifty times as much.
    expect(logBytes() - before - aloneBytes).toBeLessThan(5 * aloneBytes);
    expect(ids()).toHaveLength(52);
  });

  it('fails the guilty call alone', () => {
    const wrong = call('find', {}, { cursor: 'from elsewhere', limit: 1 });
    const good = [addCall('a'), addCall('b')];

    const { replies, hints } = engine.run([good[0] as Call, wrong, good[1] as Call]);

    const byId = new Map(replies.map((reply) => [reply.id, reply]));
    expect(failureOf(byId.get(wrong.id))).toBeInstanceOf(InvalidOptionError);
    for (const { id } of good) expect(answerOf(byId.get(id))).toMatchObject([{ op: 'add' }]);
    expect(ids()).toEqual(['a', 'b']);
    expect(hints).toEqual([{ queue: 'orders', news: 'ready' }]);
  });

  it('leaves nothing of a call that fails half-way', () => {
    const half = [
      { op: 'add', jobs: [newJob({ id: 'a' })] },
      { op: 'add', jobs: [{ ...newJob({ id: 'b' }), body: null }] },
    ];

    const [reply] = engine.run([call('apply', half)]).replies;

    expect(failureOf(reply)).toBeInstanceOf(Error);
    expect(ids()).toEqual([]);
    expect(answerOf(engine.run([call('verify')]).replies[0])).toEqual([]);
  });

  it('says that a lock is held, writes nothing, and goes on when it is free', () => {
    engine.run([addCall('a')]);
    const holder = connect();
    holder.exec('begin immediate');

    const refused = engine.run([addCall('b'), addCall('c')]).replies;
    const read = ids();
    holder.exec('commit');
    engine.run([addCall('d')]);

    expect(refused.map(failureOf)).toEqual([
      expect.any(StoreUnavailableError),
      expect.any(StoreUnavailableError),
    ]);
    expect(read).toEqual(['a']);
    expect(ids()).toEqual(['a', 'd']);
  });

  it('refuses a file that is no database, and does not touch it', () => {
    const text = 'this is a letter, not a database. '.repeat(50);
    writeFileSync(path, text);

    const [reply] = engine.run([addCall('a')]).replies;

    expect(failureOf(reply)).toBeInstanceOf(StoreCorruptError);
    expect(statSync(path).size).toBe(text.length);
  });

  it('reads but does not write any more once it found damage', () => {
    engine.run(Array.from({ length: 300 }, (_, index) => addCall(`${index}`)));
    engine.close();
    const { page } = loadDriver('file')
      .open(path)
      .prepare("select rootpage as page from sqlite_schema where name = 'millrace_body'")
      .get() as { page: number };
    overwritePage(path, page);

    const first = engine.run([addCall('new')]).replies[0];
    const second = engine.run([addCall('again')]).replies[0];
    const queues = engine.run([call('queues')]).replies[0];

    expect(failureOf(first)).toBeInstanceOf(StoreCorruptError);
    expect(failureOf(second)).toBeInstanceOf(StoreCorruptError);
    expect(answerOf(queues)).toMatchObject([{ queue: 'orders', counts: { waiting: 300 } }]);
  });

  it('reports what it found out about its file', () => {
    engine.run([addCall('a')]);

    expect(engine.durability()).toMatchObject({
      level: 'disk',
      detail: expect.stringContaining('synchronous 2'),
    });
    expect(engine.doctor().map(({ check, severity }) => [check, severity])).toEqual([
      ['durability', 'ok'],
      ['sqlite', 'ok'],
      ['schema', 'ok'],
      ['file-system', 'ok'],
      ['permissions', 'ok'],
      ['free-pages', 'ok'],
      ['disk-space', 'ok'],
      ['write-ahead-log', 'ok'],
      ['commits', 'ok'],
      ['write', 'ok'],
    ]);
  });

  it('does not make a file where it must not', () => {
    const elsewhere = new Engine({ path: join(path, 'below-a-file.db'), patienceMs: 20 });
    engine.run([addCall('a')]);

    expect(failureOf(elsewhere.run([addCall('b')]).replies[0])).toBeInstanceOf(EnvironmentError);
    expect(() => elsewhere.durability()).toThrow(EnvironmentError);
  });

  it('keeps the write-ahead log short, and says when a reader keeps it from that', () => {
    const body = new Uint8Array(100_000);
    const write = (): void => {
      const jobs = Array.from({ length: 60 }, (_, index) => newJob({ id: `${lastId}-${index}`, body }));
      engine.run([call('apply', [{ op: 'add', jobs }])]);
      engine.tidy();
    };
    write();
    const bytes = logBytes();
    for (let times = 0; times < 4; times += 1) write();
    expect(logBytes()).toBeLessThan(2 * bytes);

    const reader = connect();
    reader.exec('begin');
    reader.prepare('select count(*) from millrace_job').get();
    for (let times = 0; times < 4; times += 1) write();
    expect(logBytes()).toBeGreaterThan(3 * bytes);

    reader.exec('commit');
    write();
    engine.rest();
    expect(logBytes()).toBe(0);
  });

  it('leaves everything in the one file when it is closed', () => {
    engine.run([addCall('a')]);

    engine.close();

    expect(bytesOf(path)).toBeGreaterThan(0);
    expect(bytesOf(`${path}-wal`)).toBe(0);
  });
});

function overwritePage(path: string, page: number): void {
  const db = loadDriver('file').open(path);
  const { page_size: size } = db.prepare('pragma page_size').get() as { page_size: number };
  db.close();
  const file = openSync(path, 'r+');
  writeSync(file, new Uint8Array(size).fill(0xff), 0, size, (page - 1) * size);
  closeSync(file);
}
