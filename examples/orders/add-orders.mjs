/** Adds the orders of a file to the queue `orders`, in batches. */

import { priorityOf } from './processors/process-order.mjs';
import { readOrders } from './read-orders.mjs';

const BATCH = 250;

/**
 * An order's number is its job's id, so adding is idempotent: starting again after a crash, or the same order twice in
 * a file, makes no second job. Each line that is no order is told to `onMalformed`, and the rest goes on.
 */
export async function addOrders(file, queue, onMalformed) {
  const tally = { added: 0, known: 0, malformed: 0 };
  let batch = [];
  const flush = async () => {
    const jobs = await queue.addBulk(batch);
    const added = jobs.filter((job) => job.created).length;
    tally.added += added;
    tally.known += jobs.length - added;
    batch = [];
  };
  for await (const { line, order, problem } of readOrders(file)) {
    if (problem !== null) {
      tally.malformed += 1;
      onMalformed(line, problem);
      continue;
    }
    const opts = { jobId: order.order, priority: priorityOf(order) };
    batch.push({ name: 'process-order', data: order, opts });
    if (batch.length === BATCH) await flush();
  }
  if (batch.length > 0) await flush();
  return tally;
}
