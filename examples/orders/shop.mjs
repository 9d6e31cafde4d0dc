/** Puts the parts together: five queues, a worker for each, the stock and the warehouse. */

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Queue, Worker } from 'millrace';
import { bookStock } from './processors/book-stock.mjs';
import { confirmationMail } from './processors/confirmation-mail.mjs';
import { invoice } from './processors/invoice.mjs';
import { notifyWarehouse } from './processors/notify-warehouse.mjs';
import { processOrder } from './processors/process-order.mjs';
import { openStockBook } from './stock-book.mjs';
import { openWarehouse } from './warehouse-server.mjs';
import { openFolder } from './write-once.mjs';

/** A week without a count: as long as a job is kept, adding its order again is recognised. */
const KEEP = { completed: { age: '7d', count: null } };

/** The warehouse is worth waiting for: five attempts, 0.3, 0.6, 1.2 and 2.4 seconds apart, with jitter. */
const PATIENT = { attempts: 5, backoff: { type: 'exponential', delay: 300 } };

const JOB_OPTIONS = {
  orders: { attempts: 3 },
  'confirmation-mails': { attempts: 3, backoff: { type: 'fixed', delay: 500 } },
  invoices: { attempts: 3, backoff: { type: 'fixed', delay: 500 } },
  stock: { attempts: 3, backoff: { type: 'fixed', delay: 500 } },
  warehouse: PATIENT,
};

function openQueues(connection) {
  return Object.fromEntries(
    Object.entries(JOB_OPTIONS).map(([name, defaultJobOptions]) => [
      name,
      new Queue(name, { connection, defaultJobOptions, retention: KEEP }),
    ]),
  );
}

/** How many of each run at a time. A lease of 5 s: so long do the jobs of a killed process wait at most. */
const SLOTS = { orders: 20, 'confirmation-mails': 20, invoices: 10, stock: 10, warehouse: 25 };

function startWorkers(connection, processors) {
  return Object.entries(processors).map(
    ([name, processor]) =>
      new Worker(name, processor, { connection, concurrency: SLOTS[name], leaseMs: 5_000 }),
  );
}

export async function openShop(dir, { fresh }) {
  if (fresh) await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const folder = (name) => join(dir, name);
  await openFolder(folder('outbox'));
  await openFolder(folder('invoices'));
  const stockBook = await openStockBook(folder('stock.db'));
  const warehouse = await openWarehouse(folder('shipments'));
  const connection = `sqlite:${folder('millrace.db')}`;
  const queues = openQueues(connection);
  const processors = {
    orders: processOrder(queues),
    'confirmation-mails': confirmationMail(folder('outbox')),
    invoices: invoice(folder('invoices')),
    stock: bookStock(stockBook),
    warehouse: notifyWarehouse(warehouse.url),
  };
  let workers = [];

  return {
    connection,
    queues,
    /** Adding can begin before this, and goes on during it: jobs wait. */
    startWork(onError) {
      workers = startWorkers(connection, processors);
      for (const worker of workers) worker.on('error', onError);
    },
    /** Workers first: what they are doing is finished or handed back before its tools are taken away. */
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all(Object.values(queues).map((queue) => queue.close()));
      await warehouse.close();
      stockBook.close();
    },
  };
}
