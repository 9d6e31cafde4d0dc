import { DEFAULT_SCAN } from '../../job/limits.ts';
import { matchesFilter } from '../../job/match.ts';
import { allowanceOf, operationFilter } from '../../job/operation.ts';
import type { OperationRecord } from '../store.ts';
import type { Engine } from './engine.ts';
import { type Slice, sliceOf } from './find.ts';
import { type StoredOperation, storedOperations } from './lists.ts';
import type { StoredJob } from './pack-record.ts';
import { type Arg, numberOf } from './reply.ts';
import { OPERATE_ON } from './upkeep-scripts.ts';

const PAGE = 200;

export interface Operated {
  readonly done: number;
  readonly more: boolean;
  /** When the next slice is due, by what runs on: at once, or, at a rate, soon. */
  readonly nextInMs: number | null;
}

/**
 * Each running operation goes on a bit; together they touch no more jobs than `limit`. Which jobs are meant is found out
 * here, since filters look into payloads; each page is then one step, in which a job that has changed its state meanwhile
 * is left alone.
 */
export async function operate(engine: Engine, limit: number): Promise<Operated> {
  let touched = 0;
  let done = 0;
  let more = false;
  const stored = await storedOperations(engine);
  for (const operation of stored.operations.filter(isRunning)) {
    const slice = await goOn(engine, operation, { budget: limit - touched, nowMs: stored.nowMs });
    touched += slice.touched;
    done += slice.done;
    more ||= slice.more;
  }
  const running = (await storedOperations(engine)).operations.filter(isRunning);
  return { done, more, nextInMs: untilNextSlice(running) };
}

function isRunning({ record }: StoredOperation): boolean {
  return record.state === 'running';
}

function untilNextSlice(running: readonly StoredOperation[]): number | null {
  if (running.length === 0) return null;
  return running.some(({ record }) => record.ratePerSecond === null) ? 0 : 1_000;
}

interface Gone {
  readonly touched: number;
  readonly done: number;
  readonly more: boolean;
}

async function goOn(
  engine: Engine,
  operation: StoredOperation,
  { budget, nowMs }: { readonly budget: number; readonly nowMs: number },
): Promise<Gone> {
  const { kind, filter, ratePerSecond, startedAt, done, skipped } = operation.record;
  const meant = operationFilter(kind, filter);
  const allowed = allowanceOf(ratePerSecond, nowMs - startedAt, done + skipped);
  const room = Math.min(budget, allowed);
  const sum = { touched: 0, done: 0 };
  let { after } = operation;
  let scanned = 0;
  for (;;) {
    const many = Math.min(PAGE, DEFAULT_SCAN - scanned);
    const slice = await sliceOf(engine, meant, { order: 'oldest', from: Number(after), many });
    const chosen = choose(operation, slice, room - sum.touched, (job) =>
      matchesFilter(meant, job.record, nowMs),
    );
    const acted = await act(engine, operation.record, { ...chosen, after });
    // Another pass of upkeep has gone on with it.
    if (acted === null) return { ...sum, more: true };
    sum.touched += chosen.jobs.length;
    sum.done += acted;
    scanned += chosen.looked;
    after = chosen.to;
    if (chosen.isEnd) return { ...sum, more: false };
    if (chosen.isFull || scanned >= DEFAULT_SCAN) return { ...sum, more: sum.touched < allowed };
  }
}

interface Chosen {
  readonly jobs: readonly StoredJob[];
  readonly looked: number;
  /** The last number that is behind the operation now. */
  readonly to: string;
  readonly isEnd: boolean;
  readonly isFull: boolean;
}

/** As many of the slice as there is room for, and none that came after the start. */
function choose(
  { after, untilSeq }: StoredOperation,
  slice: Slice,
  room: number,
  isMeant: (job: StoredJob) => boolean,
): Chosen {
  const jobs: StoredJob[] = [];
  let isOver = false;
  for (const { place, job } of slice.jobs) {
    if (job.seq > untilSeq) {
      isOver = true;
      break;
    }
    if (!isMeant(job)) continue;
    if (jobs.length === room) {
      return { jobs, looked: place - 1, to: String(job.seq - 1), isEnd: false, isFull: true };
    }
    jobs.push(job);
  }
  const last = slice.last ?? Number(after);
  const isEnd = isOver || slice.isEnd || last >= untilSeq;
  return { jobs, looked: slice.looked, to: String(last), isEnd, isFull: false };
}

/** How many were done; null if the operation is not where it was thought to be. */
async function act(
  engine: Engine,
  { id, kind, toQueue, reason }: OperationRecord,
  { jobs, looked, to, isEnd, after }: Chosen & { readonly after: string },
): Promise<number | null> {
  const given = kind === 'redrive' ? (toQueue ?? '') : reason;
  const args: Arg[] = [id, after, to, looked, isEnd ? 1 : 0, kind, given, jobs.length];
  for (const { seq, record } of jobs) args.push(record.queue, seq, record.state);
  const [done] = await engine.write(OPERATE_ON, args);
  return done === undefined ? null : numberOf(done);
}
