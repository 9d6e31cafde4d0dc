/** Adding one job at a time to a queue that is idle, and how long each waits until it starts. */

import { payload } from '../peers/payload.mjs';
import { percentile } from './statistics.mjs';

/** Long enough for the worker to have gone to sleep again. */
const PAUSE_MS = 20;

/** One clock for all processes of a machine. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

/** @param started answers with the instant at which the job of this number started. */
export async function delaysOf(queue, { jobs, warmUp }, started) {
  const delays = [];
  for (let number = 0; number < warmUp + jobs; number += 1) {
    const start = started(number);
    const before = nowMs();
    await queue.add('mail', payload(number));
    const delay = (await start) - before;
    if (number >= warmUp) delays.push(delay);
    await pause();
  }
  return { p50: percentile(delays, 0.5), p99: percentile(delays, 0.99) };
}

/** Matches each job with the instant at which it starts, in whichever order they are told. */
export class Starts {
  #waiting = new Map();

  wait(number) {
    return new Promise((resolve) => this.#waiting.set(number, resolve));
  }

  tell(number, atMs) {
    this.#waiting.get(number)?.(atMs);
    this.#waiting.delete(number);
  }
}
