/**
 * The worker that guides to job queues show, as they show it: only the import is Millrace's. There is no server to
 * start; leave `connection` out and the jobs are kept in ./.millrace/millrace.db.
 */

import { Queue, Worker } from 'millrace';

const connection = process.env.MILLRACE_URL;
const order = { isPremium: true };
const orderId = 'A-1042';
const customerEmail = 'ada@example.com';
const items = [{ sku: 'MUG-BLUE', quantity: 2 }];

const orderQueue = new Queue('orders', { connection });

// Adding a job to the queue
await orderQueue.add(
  'process-order',
  { orderId, customerEmail, items },
  {
    attempts: 3,
    backoff: { type: 'exponential', delay: 2000 },
    priority: order.isPremium ? 1 : 10,
  },
);

const sendConfirmationEmail = async (to) => console.log(`mail to ${to}`);
const generateInvoicePDF = async (id) => console.log(`invoice for ${id}`);
const updateInventory = async (list) => console.log(`stock: ${list.length} line`);
const notifyWarehouse = async (id) => console.log(`warehouse: ship ${id}`);

// Worker: asynchronous processing
const orderWorker = new Worker(
  'orders',
  async (job) => {
    const { orderId, customerEmail, items } = job.data;
    console.log(`Processing order ${orderId}...`);
    // Long-running steps executed in background
    await sendConfirmationEmail(customerEmail);
    await generateInvoicePDF(orderId);
    await updateInventory(items);
    await notifyWarehouse(orderId);
    console.log(`Order ${orderId} processed successfully`);
    return { status: 'completed' };
  },
  {
    connection,
    concurrency: 5, // 5 concurrent jobs per worker
    limiter: {
      max: 100, // max 100 jobs
      duration: 60000, // per minute
    },
  },
);

// Event handling
orderWorker.on('completed', (job) => {
  console.log(`✓ Job ${job.id} completed`);
});
orderWorker.on('failed', (job, err) => {
  console.error(`✗ Job ${job?.id} failed:`, err.message);
});

// When the work is done, say how it went, and stop.
orderWorker.once('drained', async () => {
  console.log(await orderQueue.getJobCounts('waiting', 'active', 'failed', 'delayed'));
  await orderWorker.close();
  await orderQueue.close();
});
