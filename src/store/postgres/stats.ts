import { emptyHistogram, HOUR_MS, MINUTE_MS, startOf } from '../../job/histogram.ts';
import { addSums } from '../../job/statistics.ts';
import type { StatsPoint, StatsRequest } from '../store.ts';
import type { QueueState } from './queue.ts';
import type { Transaction } from './transaction.ts';

type Step = StatsRequest['step'];

const STEPS: Readonly<Record<Step, number>> = { minute: 0, hour: 1 };

const FOLDED = `
  select start, name, added, completed, failed, retried,
    array_to_json(wait)::text as wait, array_to_json(run)::text as run
  from {s}.stat where queue_id = $1 and step = $2 and start > $3`;
/** What was not folded yet. A hit is 1024 times its bucket, and how many times. */
const UNFOLDED = `
  select minute as start, name, coalesce(sum(stat_added), 0) as added, coalesce(sum(stat_completed), 0) as completed,
    coalesce(sum(stat_failed), 0) as failed, coalesce(sum(stat_retried), 0) as retried
  from {s}.delta where queue_id = $1 and minute > $2 and name is not null group by minute, name`;
const HITS = `
  select d.minute as start, d.name, h.what, h.hit >> 10 as bucket, sum(h.hit & 1023) as times from {s}.delta d
  cross join lateral (
    select 'wait' as what, unnest(d.wait_hits)::integer as hit
    union all
    select 'run', unnest(d.run_hits)::integer) h
  where d.queue_id = $1 and d.minute > $2 and d.name is not null group by d.minute, d.name, h.what, h.hit >> 10`;

interface Numbers {
  readonly start: number;
  readonly name: string;
  readonly added: number;
  readonly completed: number;
  readonly failed: number;
  readonly retried: number;
}
type FoldedRow = Numbers & { readonly wait: string; readonly run: string };
interface Hit {
  readonly start: number;
  readonly name: string;
  readonly what: 'wait' | 'run';
  readonly bucket: number;
  readonly times: number;
}

export async function stats(tx: Transaction, request: StatsRequest): Promise<StatsPoint[]> {
  const queue = await tx.queue(request.queue);
  if (queue === null) return [];
  const after = tx.now - request.withinMs;
  const points =
    request.step === 'minute' ? await minutes(tx, queue, after - MINUTE_MS) : await hours(tx, queue, after);
  return points.sort((one, other) => one.from - other.from || (one.name < other.name ? -1 : 1));
}

/** All of one step, for the dump. */
export function allStats(tx: Transaction, queue: QueueState, step: Step): Promise<StatsPoint[]> {
  return step === 'minute' ? minutes(tx, queue, -1) : folded(tx, queue, { step, after: -1 });
}

async function folded(
  { db }: Transaction,
  queue: QueueState,
  { step, after }: { readonly step: Step; readonly after: number },
): Promise<StatsPoint[]> {
  const rows = await db.all<FoldedRow>(FOLDED, queue.id, STEPS[step], after);
  return rows.map(({ start, wait, run, ...row }) => ({
    ...row,
    queue: queue.name,
    from: start,
    wait: JSON.parse(wait) as number[],
    run: JSON.parse(run) as number[],
  }));
}

async function minutes(tx: Transaction, queue: QueueState, after: number): Promise<StatsPoint[]> {
  return sum([
    ...(await folded(tx, queue, { step: 'minute', after })),
    ...(await unfolded(tx, queue, after)),
  ]);
}

async function unfolded({ db }: Transaction, queue: QueueState, after: number): Promise<StatsPoint[]> {
  const numbers = await db.all<Numbers>(UNFOLDED, queue.id, after);
  const hits = await db.all<Hit>(HITS, queue.id, after);
  return numbers.map(({ start, ...row }) => {
    const [wait, run] = [emptyHistogram(), emptyHistogram()];
    for (const hit of hits) {
      if (hit.start === start && hit.name === row.name)
        (hit.what === 'wait' ? wait : run)[hit.bucket] = hit.times;
    }
    return { ...row, queue: queue.name, from: start, wait, run };
  });
}

/** The hours, those included whose minutes are not folded yet. */
async function hours(tx: Transaction, queue: QueueState, after: number): Promise<StatsPoint[]> {
  const later = await minutes(tx, queue, startOf(after, HOUR_MS) - 1);
  const points = sum([
    ...(await folded(tx, queue, { step: 'hour', after: after - HOUR_MS })),
    ...later.map((minute) => ({ ...minute, from: startOf(minute.from, HOUR_MS) })),
  ]);
  return points.filter(({ from }) => from > after - HOUR_MS);
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
