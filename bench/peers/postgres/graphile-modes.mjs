/**
 * graphile-worker. It tells of a success before the job's row is gone, so that what counts here is the answer to the
 * statement that takes it away: a job counts when the store has it.
 */

import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { openPlace } from './place.mjs';

const POOL_SIZE = 10;

/** It decides whether to say every success, and reads this before it does. */
process.env.NO_LOG_SUCCESS = '1';
const silent = new Logger(() => () => {});

const ENDS_JOBS = /^complete_jobs?\//;

/** Tells of the jobs whose completion the server has acknowledged. */
function clientThatTells(onCompleted) {
  return class extends pg.Client {
    query(...args) {
      const answer = super.query(...args);
      if (ENDS_JOBS.test(args[0]?.name ?? '')) {
        answer.then(
          ({ rowCount }) => {
            for (let index = 0; index < rowCount; index += 1) onCompleted();
          },
          () => {},
        );
      }
      return answer;
    }
  };
}

function poolOf(connectionString, Client = pg.Client) {
  const pool = new pg.Pool({ connectionString, max: POOL_SIZE, Client });
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Its own word for them is none of ours. */
const jobs = (processors) => Object.fromEntries([['taskList', processors]]);

function runnerOf(url, { concurrency, processor, onCompleted, mode }) {
  const pool = poolOf(url, clientThatTells(onCompleted));
  const worker = {
    ...mode,
    concurrentJobs: concurrency,
    // Fewer than are worked on at once would slow it down, and it says so.
    ...(mode.localQueue && { localQueue: { size: Math.max(mode.localQueue.size, concurrency) } }),
  };
  const running = run({
    pgPool: pool,
    logger: silent,
    noHandleSignals: true,
    preset: { worker },
    ...jobs({ mail: (data) => processor({ data }) }),
  });
  let closing = null;
  const end = async () => {
    await (await running).stop();
    await pool.end();
  };
  return { close: () => (closing ??= end()) };
}

export async function openGraphile(order, mode) {
  const place = await openPlace(order);
  const pool = poolOf(place.url);
  const tools = await makeWorkerUtils({ pgPool: pool, logger: silent });
  if (place.isNew) await tools.migrate();
  const workers = [];
  return {
    ...place.meter,
    hold: place.hold,
    add: (name, data) => tools.addJob(name, data),
    addBulk: (jobs) => tools.addJobs(jobs.map(({ name, data }) => ({ identifier: name, payload: data }))),
    work(concurrency, processor, onCompleted) {
      const worker = runnerOf(place.url, { concurrency, processor, onCompleted, mode });
      workers.push(worker);
      return worker;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await tools.release();
      await pool.end();
      await place.close();
    },
  };
}
