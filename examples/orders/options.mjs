import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));

export const HELP = `The order-processing example: every order gets a mail, an invoice, its stock and its shipment.

  npm start -- [options]

  --orders FILE   NDJSON file of orders, one a line (default: examples/orders/orders.ndjson)
  --dir DIR       working folder: the queue, outbox, invoices, stock, shipments (default: examples/orders/.run)
  --fresh         empty the working folder first
  --help          this text

Kill it whenever you like, with kill -9 too, and start it again: it goes on where it was.
`;

/** Throws with a message for people when the arguments make no sense. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      orders: { type: 'string', default: join(here, 'orders.ndjson') },
      dir: { type: 'string', default: join(here, '.run') },
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return { ...values, orders: resolve(values.orders), dir: resolve(values.dir) };
}
