/** How the writer takes notes, and the worker it runs. */

let write = () => undefined;

export function useNotes(writer) {
  write = writer;
}

/** One write of one line: the recorder sees it as one call. */
export function note(kind, fields) {
  write(`${JSON.stringify({ note: kind, ...fields })}\n`);
}

const numberOf = (id) => Number(/\d+$/.exec(id)?.[0] ?? 0);

/** Most bodies are small; some fill pages of their own. */
export function sizeOf(id) {
  const number = numberOf(id);
  return number % 23 === 0 ? 9_000 : (number * 37) % 400;
}

/** What becomes of an attempt is decided by the number of the job. */
function processorOf(queue) {
  return async (job, ctx) => {
    const { id, queueName, token, generation } = job;
    if (queue === 'brief') note('removing', { ids: [id] });
    note('claimed', { queue: queueName, id, token, generation });
    // Delivered at most once: it was completed by the very step that claimed it.
    if (queue === 'once') note('ended', { queue: queueName, id, token, generation, state: 'completed' });
    const number = numberOf(id);
    if (number % 5 === 0) {
      await ctx.progress(number);
      note('progress', { id, generation, value: number });
      await ctx.log(`line of ${id}`);
      note('logged', { id, generation });
    }
    if (queue === 'letters') throw new Error('nobody can read this');
    if (queue === 'main' && number % 7 === 0 && ctx.attempt === 1) throw new Error('fails at first');
    if (queue === 'main' && number % 31 === 0) throw new Error('fails for ever');
    return { id };
  };
}

function takeNotes(worker, generations) {
  const ended = (job, state) => {
    const { id, queueName, token } = job;
    const generation = generations.get(token);
    note('ended', { queue: queueName, id, token, generation, state });
  };
  worker.on('active', (job) => generations.set(job.token, job.generation));
  worker.on('completed', (job) => {
    if (job.queueName === 'brief') note('removed', { ids: [job.id] });
    else if (job.queueName !== 'once') ended(job, 'completed');
  });
  worker.on('failed', (job) => ended(job, 'failed'));
  worker.on('retrying', (job) => ended(job, 'delayed'));
  worker.on('error', (error) => process.stderr.write(`${error.stack}\n`));
}

/** Runs workers until nothing is open in their queues any more. */
export async function workUntilIdle({ store, Worker, url }, queues) {
  const workers = queues.map((name) => {
    const worker = new Worker(name, processorOf(name), { connection: url, concurrency: 6 });
    takeNotes(worker, new Map());
    return worker;
  });
  for (;;) {
    const open = await store.queues(queues);
    const left = open.reduce((sum, { counts }) => sum + counts.waiting + counts.delayed + counts.active, 0);
    if (left === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await Promise.all(workers.map((worker) => worker.close()));
}
