/**
 * Writes orders.ndjson: `node examples/orders/make-orders.mjs > examples/orders/orders.ndjson`.
 * Seeded, so that the same file comes out on every machine. Some lines are odd on purpose, as real files are.
 */

import { catalogue } from './catalogue.mjs';
import { people } from './customers.mjs';

const COUNT = 3_000;
const FIRST_ORDER_AT = Date.UTC(2026, 1, 2, 6, 0, 0);

/** mulberry32: small, good enough, the same everywhere. */
function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const random = seeded(20_260_202);
const upTo = (count) => Math.floor(random() * count);
const pick = (list) => list[upTo(list.length)];

function emailOf(person, number) {
  const ascii = (person.latin ?? person.name).normalize('NFKD').replace(/[^A-Za-z ]/g, '');
  return `${ascii.trim().toLowerCase().replace(/ +/g, '.') || 'customer'}.${number % 97}@example.com`;
}

function itemsOf() {
  const count = 1 + Math.floor(random() ** 2 * 5);
  const chosen = new Map();
  while (chosen.size < count) {
    const { sku, name, cents } = pick(catalogue);
    chosen.set(sku, { sku, name, quantity: 1 + Math.floor(random() ** 3 * 4), cents });
  }
  return [...chosen.values()];
}

function orderAt(index) {
  const person = pick(people);
  const number = 100_001 + index;
  const placed = FIRST_ORDER_AT + index * 41_000 + upTo(40_000);
  return {
    order: `MR-${number}`,
    placedAt: new Date(placed).toISOString(),
    premium: random() < 0.15,
    customer: {
      name: person.name,
      ...(person.latin ? { latinName: person.latin } : {}),
      email: emailOf(person, number),
    },
    address: {
      street: `${person.street} ${1 + upTo(140)}`,
      city: person.city,
      postcode: person.postcode,
      country: person.country,
    },
    items: itemsOf(),
    currency: 'EUR',
    ...(random() < 0.06
      ? { note: pick(['Gift wrap, please.', 'Leave with the neighbour.', 'Ring twice. 🔔']) }
      : {}),
  };
}

/** What goes wrong in real life, at fixed places. */
const oddities = {
  /** A product that left the catalogue: the stock cannot book it, so it becomes a dead letter. */
  goneProduct: [211, 742, 1288, 1990, 2604],
  /** No carrier delivers to a post box with these goods: the warehouse refuses, which no retry changes. */
  postBox: [97, 533, 1120, 1761, 2222, 2890],
  /** The depot is closed for the winter: every attempt fails until none is left. */
  farAway: [1502, 2718],
};

function withOddity(order, index) {
  if (oddities.goneProduct.includes(index)) {
    order.items.push({ sku: 'RADIO-62', name: 'Valve radio, 1962', quantity: 1, cents: 32900 });
  }
  if (oddities.postBox.includes(index)) order.address.street = `PO Box ${400 + upTo(500)}`;
  if (oddities.farAway.includes(index)) {
    order.address = { street: 'Base Esperanza', city: 'Hope Bay', postcode: '9411', country: 'AQ' };
  }
  return order;
}

/** Lines that are no orders: cut short, with a word for a number, from another system. */
function spoiled(line, index) {
  if (index === 640) return line.slice(0, 97);
  if (index === 1333) return line.replace(/"quantity":\d+/, '"quantity":"two"');
  if (index === 2100) return 'order;customer;total';
  return line;
}

for (let index = 0; index < COUNT; index += 1) {
  const line = JSON.stringify(withOddity(orderAt(index), index));
  process.stdout.write(`${spoiled(line, index)}\n`);
  // Somebody pressed the button twice: the same order again is one order.
  if (index === 888) process.stdout.write(`${line}\n`);
}
