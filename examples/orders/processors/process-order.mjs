/**
 * Queue `orders`: one order becomes four jobs, each with a queue of its own, so that a slow warehouse holds up no mail.
 *
 * Every one of the four has the order's number as its id. If this processor is killed half way and runs again, the
 * jobs that are there already are answered `duplicate` and left alone.
 */

const STEPS = ['confirmation-mails', 'invoices', 'stock', 'warehouse'];

export function processOrder(queues) {
  return async (job) => {
    const order = job.data;
    const options = { jobId: order.order, priority: priorityOf(order) };
    const added = await Promise.all(STEPS.map((step) => queues[step].add(step, order, options)));
    return { added: added.filter((step) => step.created).length };
  };
}

/** Lower goes first: premium customers are served before the others. */
export function priorityOf(order) {
  return order.premium ? 1 : 10;
}
