/** What the questions do to a queue: fill it, add to it from many callers at once, drain it. */

import { payload } from '../peers/payload.mjs';

export const BULK = 500;

/** Adds `count` jobs by bulks, several under way so that filling is quick for everybody. */
export async function fill(queue, count, lanes = 4) {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const from = next;
      next = Math.min(count, from + BULK);
      await queue.addBulk(bulkOf(from, next - from));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

export function bulkOf(from, size) {
  return Array.from({ length: size }, (_, index) => ({ name: 'mail', data: payload(from + index) }));
}

/** One caller who waits for each bulk before it adds the next. */
export async function addBulks(queue, jobs) {
  for (let from = 0; from < jobs; from += BULK) await queue.addBulk(bulkOf(from, BULK));
}

/** `inFlight` callers, each of which waits for its job to be acknowledged before it adds the next. */
export async function addEach(queue, count, inFlight) {
  let next = 0;
  const caller = async () => {
    while (next < count) await queue.add('mail', payload(next++));
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}

/** As `addEach`, for so long instead of so many: answers how many were acknowledged. */
export async function addEachFor(queue, durationMs, inFlight) {
  const end = performance.now() + durationMs;
  let next = 0;
  const caller = async () => {
    while (performance.now() < end) await queue.add('mail', payload(next++));
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return next;
}

const noop = async () => {};

/** Told of each completed job, says when the first `warmUp` are done, and then how long `count` more took. */
function stopwatch(warmUp, count, onTimed) {
  let completed = 0;
  let started = performance.now();
  return () => {
    completed += 1;
    if (completed === warmUp) started = performance.now();
    if (completed === warmUp + count) onTimed(count / ((performance.now() - started) / 1000));
    return completed;
  };
}

/**
 * Drains on and on from a backlog that is larger than all of it: the rate over `count` jobs after `warmUp`, and the
 * process's memory while `total` jobs go through.
 */
export async function drainSteadily(queue, { warmUp, count, total, concurrency, sampleMs = 50 }) {
  const samples = [];
  let perSecond = Number.NaN;
  const onCompleted = stopwatch(warmUp, count, (rate) => (perSecond = rate));
  const sampling = setInterval(() => samples.push(process.memoryUsage.rss() / 2 ** 20), sampleMs);
  await new Promise((resolve) => {
    queue.work(concurrency, noop, () => {
      if (onCompleted() === total) resolve();
    });
  });
  clearInterval(sampling);
  return { perSecond, samples };
}

/** Starts a worker on what is waiting; answers with it when `count` jobs are completed and acknowledged. */
export function drain(queue, count, concurrency) {
  return new Promise((resolve) => {
    let completed = 0;
    const worker = queue.work(concurrency, noop, () => {
      completed += 1;
      if (completed === count) resolve({ close: () => worker.close() });
    });
  });
}

/**
 * Wall time and processor time of one stretch of work, by the second and by 10,000 jobs; where there is a log of what
 * was written, its bytes by the job. `work` may answer how many jobs they were.
 */
export async function timed(queue, jobs, work) {
  const serverBefore = await queue.serverCpuSeconds();
  const walBefore = await queue.walBytes?.();
  const cpu = process.cpuUsage();
  const started = performance.now();
  const worked = await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const server = (await queue.serverCpuSeconds()) - serverBefore;
  const done = Number.isFinite(worked) ? worked : jobs;
  const per10k = 10_000 / done;
  return {
    perSecond: done / seconds,
    cpu: ((user + system) / 1e6) * per10k,
    serverCpu: server * per10k,
    ...(walBefore !== undefined && { wal: ((await queue.walBytes()) - walBefore) / done }),
  };
}
