import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { connect } from 'millrace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloneInto, emptyFolder, Program, remove } from './newcomer.ts';

interface Order {
  readonly order: string;
  readonly address: { readonly street: string; readonly country: string };
  readonly items: readonly { readonly sku: string; readonly quantity: number }[];
}

const folder = emptyFolder('start');
const run = join(folder, 'examples', 'orders', '.run');

/** Read in another way than the example reads it, so that a fault there shows here. */
function ordersOf(file: string): { orders: Map<string, Order>; malformed: number[] } {
  const orders = new Map<string, Order>();
  const malformed: number[] = [];
  for (const [index, line] of readFileSync(file, 'utf8').trimEnd().split('\n').entries()) {
    try {
      const order = JSON.parse(line) as Order;
      if (order.items.some(({ quantity }) => typeof quantity !== 'number')) throw new Error('no quantity');
      orders.set(order.order, order);
    } catch {
      malformed.push(index + 1);
    }
  }
  return { orders, malformed };
}

const listed = (name: string): string[] =>
  existsSync(join(run, name)) ? readdirSync(join(run, name)).sort() : [];

async function openStock(): Promise<{ all: (sql: string) => Record<string, unknown>[]; close: () => void }> {
  const driver: string = process.versions.node.startsWith('20.') ? '@photostructure/sqlite' : 'node:sqlite';
  const { DatabaseSync } = await import(driver);
  const db = new DatabaseSync(join(run, 'stock.db'));
  return { all: (sql) => db.prepare(sql).all(), close: () => db.close() };
}

const npmStart = (): Program => new Program('npm', ['start'], folder);

describe('npm start, as somebody new does it', () => {
  let orders: Map<string, Order>;
  let malformed: number[];
  let last: Program;

  /** Kills it early, kills it again half way, then lets it end. */
  beforeAll(async () => {
    cloneInto(folder);
    ({ orders, malformed } = ordersOf(join(folder, 'examples', 'orders', 'orders.ndjson')));
    for (const mails of [200, Math.floor(orders.size / 2)]) {
      const killed = npmStart();
      await killed.until(() => listed('outbox').length >= mails, 180_000);
      if (killed.isOver) throw new Error(`ended before it could be killed:\n${killed.out}\n${killed.err}`);
      await killed.kill();
    }
    last = npmStart();
    await last.end();
  }, 290_000);

  afterAll(async () => {
    await last?.kill();
    remove(folder);
  });

  const idsWhere = (rule: (order: Order) => boolean): string[] =>
    [...orders.values()].filter(rule).map(({ order }) => order);

  it('ends well, after having been killed twice', () => {
    expect(last.child.exitCode, `${last.out}\n${last.err}`).toBe(0);
    expect(orders.size).toBeGreaterThan(2_500);
  });

  it('wrote one mail and one whole invoice for each order, and left no half of one', () => {
    expect(listed('outbox')).toEqual([...orders.keys()].map((id) => `${id}.eml`).sort());
    expect(listed('invoices')).toEqual([...orders.keys()].map((id) => `${id}.pdf`).sort());
    for (const name of listed('invoices')) {
      const pdf = readFileSync(join(run, 'invoices', name), 'latin1');
      expect(pdf.startsWith('%PDF-') && pdf.trimEnd().endsWith('%%EOF'), name).toBe(true);
    }
  });

  it('booked the stock exactly once for each order', async () => {
    const known = idsWhere(({ items }) => items.every(({ sku }) => sku !== 'RADIO-62'));
    const expected = new Map<string, number>();
    for (const id of known) {
      for (const { sku, quantity } of orders.get(id)?.items ?? []) {
        expected.set(sku, (expected.get(sku) ?? 0) + quantity);
      }
    }
    const { catalogue } = await import(pathToFileURL(join(folder, 'examples/orders/catalogue.mjs')).href);
    const opening = new Map(catalogue.map((row: { sku: string; onHand: number }) => [row.sku, row.onHand]));
    const stock = await openStock();
    const booked = stock.all('select order_id from booked_orders').map((row) => row['order_id']);
    const left = stock.all('select sku, on_hand from stock');
    stock.close();

    expect(booked.sort()).toEqual(known.sort());
    for (const { sku, on_hand: onHand } of left) {
      expect([sku, onHand]).toEqual([sku, Number(opening.get(sku)) - (expected.get(String(sku)) ?? 0)]);
    }
  });

  it('told the warehouse of each order once, but for those it refuses', () => {
    const deliverable = idsWhere(
      ({ address }) => !address.street.startsWith('PO Box') && address.country !== 'AQ',
    );

    expect(listed('shipments')).toEqual(deliverable.map((id) => `${id}.json`).sort());
  });

  it('kept as dead letters what cannot be done, and lost nothing else', async () => {
    const shared = connect(`sqlite:${join(run, 'millrace.db')}`);
    const queues = await shared.store.queues();
    const findings = await shared.store.verify();
    await shared.release();
    const dead = new Map(queues.map(({ queue, counts }) => [queue, counts.failed]));
    const refused = idsWhere(
      ({ address }) => address.street.startsWith('PO Box') || address.country === 'AQ',
    );
    const unknown = idsWhere(({ items }) => items.some(({ sku }) => sku === 'RADIO-62'));

    expect(Object.fromEntries(dead)).toEqual({
      'confirmation-mails': 0,
      invoices: 0,
      orders: 0,
      stock: unknown.length,
      warehouse: refused.length,
    });
    for (const { counts, totals } of queues) {
      expect(counts.completed + counts.failed).toBe(orders.size);
      expect(totals.added).toBe(orders.size);
    }
    expect(findings).toEqual([]);
  });

  it('names each malformed line by its number and says what to look at', () => {
    expect(malformed.length).toBeGreaterThan(0);
    for (const line of malformed) expect(last.err).toContain(`orders.ndjson:${line}: `);
    expect(last.out).toContain(`${malformed.length} lines malformed`);
    expect(last.out).toContain('npx millrace status --store sqlite:');
    expect(last.out).toContain('npx millrace dead ls');
  });
});
