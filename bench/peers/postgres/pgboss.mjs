/**
 * pg-boss at its best: fetches without a pause while there is a full batch of jobs, wakes by LISTEN instead of polling,
 * and ends a batch by one statement. A batch is worked on with the concurrency that is asked for.
 */

import { PgBoss } from 'pg-boss';
import { openPlace } from './place.mjs';

const QUEUE = 'bench';
const SMALLEST_BATCH = 100;
const BATCHED = { burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };

/** It has no event for a job's end: what counts is the answer to the statement that ends a batch of them. */
function tellOfEnds(db, onCompleted) {
  const { executeSql } = db;
  db.executeSql = async (text, values, ...rest) => {
    const answer = await executeSql.call(db, text, values, ...rest);
    if (/SET completed_on/.test(text) && Array.isArray(values?.[1])) for (const _ of values[1]) onCompleted();
    return answer;
  };
}

/** Works on them with so many at once. */
async function workOn(jobs, concurrency, processor) {
  let next = 0;
  const lane = async () => {
    while (next < jobs.length) await processor(jobs[next++]);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, jobs.length) }, lane));
}

export async function open({ upkeep = {}, keepSeconds, ...order }) {
  const place = await openPlace(order);
  const boss = new PgBoss({ connectionString: place.url, useListenNotify: true, schedule: false, ...upkeep });
  boss.on('error', (error) => {
    throw error;
  });
  const told = new Set();
  tellOfEnds(boss.getDb(), () => {
    for (const onCompleted of told) onCompleted();
  });
  await boss.start();
  const kept = keepSeconds === undefined ? {} : { deleteAfterSeconds: keepSeconds };
  if ((await boss.getQueue(QUEUE)) === null) await boss.createQueue(QUEUE, { notify: true, ...kept });
  return {
    ...place.meter,
    hold: place.hold,
    add: (_name, data) => boss.send(QUEUE, data),
    addBulk: (jobs) =>
      boss.insert(
        QUEUE,
        jobs.map(({ data }) => ({ data })),
      ),
    work(concurrency, processor, onCompleted) {
      told.add(onCompleted);
      const options = { ...BATCHED, batchSize: Math.max(SMALLEST_BATCH, concurrency) };
      const working = boss.work(QUEUE, options, (jobs) => workOn(jobs, concurrency, processor));
      return {
        async close() {
          told.delete(onCompleted);
          await boss.offWork(QUEUE, { id: await working, wait: true });
        },
      };
    },
    async close() {
      await boss.stop({ graceful: true, timeout: 2000 });
      await place.close();
    },
  };
}
