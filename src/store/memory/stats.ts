import { countIn, emptyHistogram, HOUR_MS, MINUTE_MS, startOf } from '../../job/histogram.ts';
import { HOURS_KEPT_MS, MINUTES_KEPT_MS } from '../../job/keep.ts';
import { addSums, type Counted } from '../../job/statistics.ts';
import type { StatsPoint, StatsRequest } from '../store.ts';
import { queueOf } from './jobs.ts';
import { by, type Point, type QueueState, type State, type StoredJob } from './state.ts';
import type { Step } from './step.ts';

/** Counts an event of a job, and how long it took, in the minute it falls into. */
export function count(step: Step, { record }: StoredJob, { event, waitMs, runMs }: Counted): void {
  const { minutes } = queueOf(step, record.queue);
  const point = pointIn(minutes, { ...record, from: startOf(step.nowMs, MINUTE_MS) });
  if (event !== undefined) point[event] += 1;
  if (waitMs !== undefined) countIn(point.wait, waitMs);
  if (runMs !== undefined) countIn(point.run, runMs);
}

/** The point of that time and name, made when it is not there yet. */
function pointIn(points: Map<string, Point>, at: { queue: string; name: string; from: number }): Point {
  const { queue, name, from } = at;
  const key = `${from} ${name}`;
  const known = points.get(key);
  if (known !== undefined) return known;
  const counts = { added: 0, completed: 0, failed: 0, retried: 0 };
  const made = { queue, name, from, ...counts, wait: emptyHistogram(), run: emptyHistogram() };
  points.set(key, made);
  return made;
}

export function stats(state: State, { queue, step, withinMs }: StatsRequest, nowMs: number): StatsPoint[] {
  const known = state.queues.get(queue);
  if (known === undefined) return [];
  const points = step === 'minute' ? known.minutes : hoursOf(known);
  const stepMs = step === 'minute' ? MINUTE_MS : HOUR_MS;
  return [...points.values()]
    .filter((point) => point.from + stepMs > nowMs - withinMs)
    .sort((one, other) => by(one.from, other.from) || (one.name < other.name ? -1 : 1))
    .map((point) => ({ ...point, wait: [...point.wait], run: [...point.run] }));
}

/** The hours, those included whose minutes are not folded yet. */
function hoursOf(queue: QueueState): Map<string, Point> {
  const hours = new Map([...queue.hours].map(([key, point]) => [key, { ...point }]));
  for (const point of queue.minutes.values()) fold(hours, point);
  return hours;
}

function fold(hours: Map<string, Point>, minute: Point): void {
  const hour = pointIn(hours, { ...minute, from: startOf(minute.from, HOUR_MS) });
  Object.assign(hour, addSums(hour, minute));
}

/** Folds old minutes into hours, and drops old hours. */
export function foldStats({ state, nowMs }: Step): void {
  for (const { minutes, hours } of state.queues.values()) {
    for (const [key, point] of minutes) {
      if (point.from + MINUTE_MS > nowMs - MINUTES_KEPT_MS) continue;
      minutes.delete(key);
      fold(hours, point);
    }
    for (const [key, point] of hours) {
      if (point.from + HOUR_MS <= nowMs - HOURS_KEPT_MS) hours.delete(key);
    }
  }
}
