import { type FinishedState, isFinished, keptForNoTime } from '../../job/keep.ts';
import { DEFAULT_QUEUE_SETTINGS } from '../../job/queue-settings.ts';
import type { Bytes, EndCause, JobRecord, JobRef } from '../../job/record.ts';
import { own } from './own.ts';
import { by, newQueue, type QueueState, type State, type StoredJob } from './state.ts';
import { hint, type Step, tell } from './step.ts';

/** The queue, made with the default settings when it is not there yet. */
export function queueOf(step: Step, name: string): QueueState {
  const known = step.state.queues.get(name);
  if (known !== undefined) return known;
  const made = newQueue(name, own(DEFAULT_QUEUE_SETTINGS), step.nowMs);
  step.state.queues.set(name, made);
  return made;
}

export function jobAt(state: State, ref: JobRef): StoredJob | undefined {
  return state.queues.get(ref.queue)?.jobs.get(ref.id);
}

/** Also finds a job that moved on from there; of several, the one that moved last. */
export function follow(state: State, ref: JobRef): StoredJob | undefined {
  const moved = state.moved.get(originKey(ref)) ?? [];
  return jobAt(state, ref) ?? moved.toSorted(byMove).at(-1);
}

function byMove(one: StoredJob, other: StoredJob): number {
  return by(one.moveNumber, other.moveNumber);
}

function originKey({ queue, id }: JobRef): string {
  return JSON.stringify([queue, id]);
}

/**
 * The only way in which a record changes: the job leaves every order and count, changes, and enters those that
 * it now belongs to. A change of `queue` moves it with all that hangs on it.
 */
export function alter(step: Step, job: StoredJob, changes: Partial<JobRecord>): void {
  leave(step, job);
  if (changes.origin !== undefined) job.moveNumber = ++step.state.move;
  job.record = Object.freeze({ ...job.record, ...changes });
  enter(step, job);
  const { queue, state, dueAt } = job.record;
  if (changes.state === undefined) return;
  // A job that waits for a time is news too: an idle worker has to work out anew how long it may sleep.
  if (state === 'waiting' || dueAt !== null) hint(step, queue, 'ready');
  if (isFinished(state)) hint(step, queue, 'ended');
}

export function enter(step: Step, job: StoredJob): void {
  const { record } = job;
  const queue = queueOf(step, record.queue);
  queue.jobs.set(record.id, job);
  queue.counts[record.state] += 1;
  for (const order of ordersOf(queue, record)) order.add(job);
  if (record.origin !== null) {
    const key = originKey({ queue: record.origin.queue, id: record.id });
    step.state.moved.set(key, [...(step.state.moved.get(key) ?? []), job]);
  }
}

function leave(step: Step, job: StoredJob): void {
  const { record } = job;
  const queue = queueOf(step, record.queue);
  queue.jobs.delete(record.id);
  queue.counts[record.state] -= 1;
  for (const order of ordersOf(queue, record)) order.remove(job);
  if (record.origin !== null) {
    const key = originKey({ queue: record.origin.queue, id: record.id });
    const others = (step.state.moved.get(key) ?? []).filter((other) => other !== job);
    if (others.length > 0) step.state.moved.set(key, others);
    else step.state.moved.delete(key);
  }
}

function ordersOf(queue: QueueState, { state, dueAt, expiresAt }: JobRecord): QueueState['due'][] {
  const orders = [];
  if (state === 'waiting') orders.push(queue.waiting);
  if ((state === 'delayed' || state === 'parked') && dueAt !== null) orders.push(queue.due);
  if ((state === 'waiting' || state === 'delayed') && expiresAt !== null) orders.push(queue.expiring);
  return orders;
}

/** Deletes the record with its attempts, its log and its lease. */
export function remove(step: Step, job: StoredJob): void {
  leave(step, job);
  if (job.lease !== null) step.state.leased.delete(job.lease.token);
  job.lease = null;
  queueOf(step, job.record.queue).totals.removed += 1;
}

/** The job ends here. Its attempt, if one ran, is closed before. */
export function finish(
  step: Step,
  job: StoredJob,
  end: Partial<JobRecord> & { readonly state: FinishedState },
  data: Bytes | null = null,
): void {
  alter(step, job, { ...end, dueAt: null, finishedAt: step.nowMs });
  const queue = queueOf(step, job.record.queue);
  queue.totals[end.state] += 1;
  tell(step, end.state, job, data);
  if (keptForNoTime(job.record.policy, queue.settings, end.state)) remove(step, job);
}

export function cancelNow(step: Step, job: StoredJob, cause: EndCause, reason: string | null): void {
  finish(step, job, { state: 'cancelled', cause, cancelReason: reason });
}

/** Not claimed in time. */
export function expire(step: Step, job: StoredJob): void {
  finish(step, job, { state: 'cancelled', cause: 'expired' });
}
