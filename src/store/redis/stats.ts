import { emptyHistogram, HOUR_MS, MINUTE_MS, startOf } from '../../job/histogram.ts';
import { addSums } from '../../job/statistics.ts';
import type { StatsPoint, StatsRequest } from '../store.ts';
import type { Engine } from './engine.ts';
import { pairsOf } from './inspect.ts';
import { STATS_OF } from './read-scripts.ts';
import { listOf, type Reply, textOf } from './reply.ts';

export async function stats(engine: Engine, { queue, step, withinMs }: StatsRequest): Promise<StatsPoint[]> {
  const reply = listOf(await engine.read(STATS_OF, [queue, withinMs, step]));
  const [bound, ...points] = reply;
  if (bound === undefined) return [];
  const after = Number(textOf(bound));
  const read = readPoints(points, queue);
  const wanted =
    step === 'minute'
      ? read.minutes.filter(({ from }) => from + MINUTE_MS > after)
      : sum([...read.hours, ...read.minutes.map(inHour)]).filter(({ from }) => from + HOUR_MS > after);
  return wanted.sort((one, other) => one.from - other.from || (one.name < other.name ? -1 : 1));
}

function inHour(minute: StatsPoint): StatsPoint {
  return { ...minute, from: startOf(minute.from, HOUR_MS) };
}

/** One point for each time and name. */
function sum(points: readonly StatsPoint[]): StatsPoint[] {
  const sums = new Map<string, StatsPoint>();
  for (const point of points) {
    const key = `${point.from} ${point.name}`;
    const known = sums.get(key);
    sums.set(key, known === undefined ? point : { ...known, ...addSums(known, point) });
  }
  return [...sums.values()];
}

export interface Points {
  readonly minutes: readonly StatsPoint[];
  readonly hours: readonly StatsPoint[];
}

/** Step, start and numbers of each, in turn. */
export function readPoints(replies: readonly Reply[], queue: string): Points {
  const minutes: StatsPoint[] = [];
  const hours: StatsPoint[] = [];
  for (let index = 0; index < replies.length; index += 3) {
    const points = pointsOf(replies[index + 2] ?? [], { queue, from: Number(textOf(replies[index + 1])) });
    (textOf(replies[index]) === 'm' ? minutes : hours).push(...points);
  }
  return { minutes, hours };
}

const EVENTS = { a: 'added', c: 'completed', f: 'failed', r: 'retried' } as const;
type Event = keyof typeof EVENTS;
type Point = { -readonly [K in keyof StatsPoint]: StatsPoint[K] } & { wait: number[]; run: number[] };

/** The fields of one minute or hour: a letter, for histograms a bucket of two digits, and the name of the job. */
function pointsOf(reply: Reply, { queue, from }: { queue: string; from: number }): StatsPoint[] {
  const points = new Map<string, Point>();
  const pointOf = (name: string): Point => {
    const known = points.get(name);
    if (known !== undefined) return known;
    const counts = { added: 0, completed: 0, failed: 0, retried: 0 };
    const made: Point = { queue, name, from, ...counts, wait: emptyHistogram(), run: emptyHistogram() };
    points.set(name, made);
    return made;
  };
  for (const [field, many] of pairsOf(reply)) {
    const kind = field[0] ?? '';
    if (kind in EVENTS) pointOf(field.slice(1))[EVENTS[kind as Event]] = Number(many);
    else pointOf(field.slice(3))[kind === 'w' ? 'wait' : 'run'][Number(field.slice(1, 3))] = Number(many);
  }
  return [...points.values()];
}
