/**
 * The stock: an SQLite file of its own. An order is booked exactly once although its job may run twice, because the
 * order's number is a key and goes in with the very transaction that changes the stock.
 */

import { catalogue } from './catalogue.mjs';

/** Node 22 and newer bring SQLite; the package is the same for Node 20. */
async function loadDriver() {
  try {
    return (await import('node:sqlite')).DatabaseSync;
  } catch {
    return (await import('@photostructure/sqlite')).DatabaseSync;
  }
}

const TABLES = `
  create table if not exists stock (sku text primary key, name text not null, on_hand integer not null) strict;
  create table if not exists booked_orders (order_id text primary key, booked_at text not null) strict;
  create table if not exists bookings (
    order_id text not null references booked_orders, sku text not null references stock,
    quantity integer not null, primary key (order_id, sku)
  ) strict;
`;

export class UnknownProductError extends Error {}

export async function openStockBook(file) {
  const Database = await loadDriver();
  const db = new Database(file);
  db.exec(
    'pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 5000; pragma foreign_keys = on',
  );
  db.exec(TABLES);
  const open = db.prepare('insert into stock (sku, name, on_hand) values (?, ?, ?) on conflict do nothing');
  for (const { sku, name, onHand } of catalogue) open.run(sku, name, onHand);
  return stockBook(db);
}

function stockBook(db) {
  const enter = db.prepare(
    'insert into booked_orders (order_id, booked_at) values (?, ?) on conflict do nothing',
  );
  const book = db.prepare('insert into bookings (order_id, sku, quantity) values (?, ?, ?)');
  const take = db.prepare('update stock set on_hand = on_hand - ? where sku = ?');

  /** What is short is bought in, so the stock may go below nothing; a product that nobody knows cannot be bought. */
  function bookItems(orderId, items) {
    for (const [sku, quantity] of quantities(items)) {
      if (take.run(quantity, sku).changes === 0)
        throw new UnknownProductError(`no product has the number ${sku}`);
      book.run(orderId, sku, quantity);
    }
  }

  return {
    /** Answers whether it was this call that booked the order. All of it or nothing. */
    book(orderId, items, bookedAt) {
      db.exec('begin immediate');
      try {
        const first = enter.run(orderId, bookedAt).changes > 0;
        if (first) bookItems(orderId, items);
        db.exec('commit');
        return first;
      } catch (error) {
        db.exec('rollback');
        throw error;
      }
    },
    close: () => db.close(),
  };
}

/** One line for a product, also when the order names it twice. */
function quantities(items) {
  const sums = new Map();
  for (const { sku, quantity } of items) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
  return sums;
}
