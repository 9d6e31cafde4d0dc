import { describe, expect, it } from 'vitest';
import { Database } from './database.ts';
import { type DriverConnection, loadDriver } from './driver.ts';

/** As drivers were before they could answer rows as arrays. */
function withoutArrays(connection: DriverConnection): DriverConnection {
  return {
    prepare: (sql) => {
      const statement = connection.prepare(sql);
      return {
        run: (...values) => statement.run(...values),
        get: (...values) => statement.get(...values),
        all: (...values) => statement.all(...values),
      };
    },
    exec: (sql) => connection.exec(sql),
    close: () => connection.close(),
  };
}

describe('rows as arrays', () => {
  it.each([
    ['with a driver that has them', (connection: DriverConnection) => connection],
    ['with a driver that has rows as objects only', withoutArrays],
  ])('have the values in the order of the columns %s', (_name, wrap) => {
    const db = new Database(wrap(loadDriver('memory').open(':memory:')));
    const sql = 'select ? as zebra, ? as ape, null as yak, ? as bee';

    expect(db.tuples(sql, 'z', 7, new Uint8Array([1]))).toEqual([['z', 7, null, new Uint8Array([1])]]);
    expect(db.get('select ? as zebra', 'z')).toMatchObject({ zebra: 'z' });
    db.close();
  });
});
