import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InvalidOptionError, StoreUnavailableError, UnsupportedError } from '../../errors.ts';
import { add, claimIds, countsOf, findJob, newJob, totalsOf } from '../../testing/conformance/support.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import type { Effect, EffectResult, Store } from '../store.ts';
import { type DriverConnection, loadDriver } from './driver.ts';
import { sqliteStore } from './index.ts';

const addOf = (...ids: string[]): Effect => ({ op: 'add', jobs: ids.map((id) => newJob({ id })) });

describe('the transaction of an application', () => {
  let directory: string;
  let path: string;
  let store: Store;
  let app: DriverConnection;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-'));
    path = join(directory, 'app.db');
    store = sqliteStore({ path, clock: new FakeClock() });
    app = loadDriver('file').open(path);
    app.exec('pragma synchronous = full');
    app.exec('create table purchase (id text)');
  });
  afterEach(async () => {
    app.close();
    await store.close();
    rmSync(directory, { recursive: true });
  });

  const apply = (...effects: Effect[]): Promise<EffectResult[]> => store.apply(effects, { tx: app });
  const purchases = (): number =>
    (app.prepare('select count(*) as many from purchase').get() as { many: number }).many;

  it('takes jobs along when it is committed', async () => {
    app.exec('begin immediate');
    app.exec("insert into purchase values ('p')");
    const [result] = await apply(addOf('a', 'b', 'a'));
    app.exec('commit');

    expect(result).toEqual({
      op: 'add',
      jobs: [
        { id: 'a', outcome: 'created' },
        { id: 'b', outcome: 'created' },
        { id: 'a', outcome: 'duplicate' },
      ],
    });
    expect(await claimIds(store)).toEqual(['a', 'b']);
    expect(await totalsOf(store)).toEqual({ added: 2, duplicates: 1 });
    expect(await store.verify()).toEqual([]);
  });

  it('leaves nothing of the jobs when it is rolled back', async () => {
    await add(store, { id: 'before' });
    app.exec('begin immediate');
    app.exec("insert into purchase values ('p')");
    await apply(addOf('a'));
    app.exec('rollback');
    await add(store, { id: 'after' });

    expect(purchases()).toBe(0);
    expect(await findJob(store, 'a')).toBeNull();
    expect(await claimIds(store)).toEqual(['before', 'after']);
    expect(await totalsOf(store)).toEqual({ added: 2 });
  });

  it('may cancel jobs, too', async () => {
    await add(store, { id: 'a' });
    app.exec('begin immediate');
    await apply({ op: 'cancel', job: { queue: 'orders', id: 'a' }, reason: 'order withdrawn' });
    app.exec('commit');

    expect(await countsOf(store)).toEqual({ cancelled: 1 });
  });

  it('loses the jobs of one call that fails, and nothing else', async () => {
    app.exec('begin immediate');
    app.exec("insert into purchase values ('p')");
    await apply(addOf('kept'));
    const broken = { ...newJob({ id: 'broken' }), name: null as unknown as string };
    await expect(apply({ op: 'add', jobs: [newJob({ id: 'x' }), broken] })).rejects.toThrow(
      InvalidOptionError,
    );
    app.exec('commit');

    expect(purchases()).toBe(1);
    expect(await claimIds(store)).toEqual(['kept']);
  });

  it('makes the tables of the store when it is the first to need them', async () => {
    app.exec('begin immediate');
    await apply(addOf('a'));
    app.exec('commit');

    expect(await claimIds(store)).toEqual(['a']);
  });

  it('is begun by the application, not by the store', async () => {
    await expect(apply(addOf('a'))).rejects.toThrow(/not in a transaction.*begin immediate/s);
  });

  it('is refused where a power cut could take it away after the commit', async () => {
    app.exec('pragma synchronous = normal');
    app.exec('begin immediate');

    await expect(apply(addOf('a'))).rejects.toThrow(InvalidOptionError);
    await expect(apply(addOf('a'))).rejects.toThrow(/synchronous = 1.*pragma synchronous = full/s);
    app.exec('commit');
    app.exec('pragma synchronous = full');
    app.exec('begin immediate');
    await apply(addOf('b'));
    app.exec('commit');

    expect(await claimIds(store)).toEqual(['b']);
  });

  it('is one on the file of the store', async () => {
    const elsewhere = loadDriver('file').open(join(directory, 'other.db'));
    elsewhere.exec('begin immediate');

    const applied = store.apply([addOf('a')], { tx: elsewhere });

    await expect(applied).rejects.toThrow(InvalidOptionError);
    await expect(applied).rejects.toThrow(/other\.db.*app\.db/s);
    elsewhere.close();
  });

  it('is a connection of SQLite', async () => {
    await expect(store.apply([addOf('a')], { tx: { query: () => [] } })).rejects.toThrow(
      /is not a database connection/,
    );
  });

  it('is not one on a store in memory, which nobody else can see', async () => {
    const memory = sqliteStore({ path: ':memory:' });
    app.exec('begin immediate');

    await expect(memory.apply([addOf('a')], { tx: app })).rejects.toThrow(UnsupportedError);
    app.exec('rollback');
    await memory.close();
  });

  it('is told to try again when another connection wrote in the meantime', async () => {
    await add(store, { id: 'a' });
    app.exec('begin');
    purchases();
    await add(store, { id: 'b' });

    const applied = apply(addOf('c'));

    await expect(applied).rejects.toThrow(StoreUnavailableError);
    await expect(applied).rejects.toThrow(/Roll it back and repeat it/);
    app.exec('rollback');
  });

  it('wakes those who watch once it is committed', async () => {
    await add(store, { id: 'a' });
    const told = new Promise<unknown>((resolve) => void store.watch(['orders'], resolve));
    // The watch stands before anything is committed.
    await store.durability();
    app.exec('begin immediate');
    await apply(addOf('b'));
    app.exec('commit');

    expect(await told).toEqual({ queue: 'orders', news: 'unknown' });
  });

  it('may use a connection that was set to other shapes of rows', async () => {
    const tx: DriverConnection = {
      prepare: (sql) => {
        const statement = app.prepare(sql);
        statement.setReadBigInts?.(true);
        statement.setReturnArrays?.(true);
        return statement;
      },
      exec: (sql) => app.exec(sql),
      close: () => app.close(),
    };
    app.exec('begin immediate');
    await store.apply([addOf('a', 'b')], { tx });
    app.exec('commit');

    expect(await claimIds(store)).toEqual(['a', 'b']);
    expect(await store.verify()).toEqual([]);
  });
});
