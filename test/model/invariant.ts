/** What must hold in every history, whoever calls what and when. Each check names the promise it keeps. */

import assert from 'node:assert/strict';
import type { JobRecord, JobState } from '../../src/job/record.ts';
import type { Claimed, Store } from '../../src/store/store.ts';
import { keyOf, type Snapshot } from './snapshot.ts';

const FINISHED: readonly JobState[] = ['completed', 'failed', 'cancelled'];

export interface Moment {
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly nowMs: number;
}

/** Counts add up: jobs = added − removed, and the counts of a queue are those of its jobs. */
export function booksBalance({ jobs, queues }: Snapshot): void {
  for (const { queue, counts, totals } of queues.values()) {
    const own = [...jobs.values()].filter((job) => job.queue === queue);
    assert.equal(own.length, totals.added - totals.removed, `${queue}: jobs = added - removed`);
    for (const [state, count] of Object.entries(counts)) {
      assert.equal(own.filter((job) => job.state === state).length, count, `${queue} counts ${state}`);
    }
  }
}

/** Totals never fall, but with the queue itself, which one call may remove and make again (`removed`). */
export function totalsRise({ before, after }: Moment, removed: ReadonlySet<string>): void {
  for (const [name, { totals }] of after.queues) {
    const earlier = before.queues.get(name);
    if (earlier === undefined || removed.has(name)) continue;
    for (const [total, value] of Object.entries(totals)) {
      assert.ok(value >= earlier.totals[total as keyof typeof totals], `${name}: ${total} fell`);
    }
  }
}

/** Tokens rise, for ever; and nobody is given a job of a paused queue, one that is held, or one before its time. */
export function grantsAreDue(moment: Moment, grants: readonly Claimed[], lastToken: number): number {
  let token = lastToken;
  for (const { lease, job } of grants) {
    assert.ok(lease.token > token, `token ${lease.token} was given out after ${token}`);
    token = lease.token;
    const earlier = moment.before.jobs.get(keyOf(lease));
    assert.ok(earlier !== undefined, `${keyOf(lease)} comes from nowhere`);
    assert.equal(moment.before.queues.get(lease.queue)?.settings.paused, false, `${lease.queue} is paused`);
    assert.ok(
      ['waiting', 'delayed', 'parked'].includes(earlier.state),
      `${keyOf(lease)} was ${earlier.state}`,
    );
    if (earlier.state !== 'waiting') {
      assert.ok(
        earlier.dueAt !== null && earlier.dueAt <= moment.nowMs,
        `${keyOf(lease)} was given out early`,
      );
    }
    assert.equal(job.claims, earlier.claims + 1, 'a claim is counted');
    assert.ok(earlier.expiresAt === null || earlier.expiresAt > moment.nowMs, 'an expired job was given out');
  }
  return token;
}

/** No job that waited before the claim and waits still should have gone before one that was given out. */
export function grantsAreInOrder({ before, after }: Moment, grants: readonly Claimed[]): void {
  for (const { job } of grants) {
    for (const other of after.jobs.values()) {
      const waitedAll = other.state === 'waiting' && before.jobs.get(keyOf(other))?.state === 'waiting';
      if (!waitedAll || other.queue !== job.queue) continue;
      const isLater =
        other.priority > job.priority || (other.priority === job.priority && other.rank > job.rank);
      assert.ok(isLater, `${keyOf(job)} was given out before ${keyOf(other)}`);
    }
  }
}

/** Reads, renewals, beats and the mere passing of time change no job. */
export function nothingMoves({ before, after }: Moment): void {
  assert.deepEqual(after.jobs, before.jobs);
}

/** Upkeep without bulk actions deletes what has ended, and moves only what is due, expired or lost its worker. */
export function upkeepIsCareful({ before, after, nowMs }: Moment): void {
  if (before.running.length > 0) return;
  for (const [key, earlier] of before.jobs) {
    const job = after.jobs.get(key);
    if (job === undefined) assert.ok(mayVanish(earlier, nowMs), `${key} was ${earlier.state} and vanished`);
    else if (job.state !== earlier.state)
      assert.ok(mayBecome(earlier, job, nowMs), movedWrongly(earlier, job));
  }
}

/** An active job may move on as a dead letter, an expired one may be kept for no time. */
function mayVanish({ state, expiresAt }: JobRecord, nowMs: number): boolean {
  return FINISHED.includes(state) || state === 'active' || (expiresAt !== null && expiresAt <= nowMs);
}

function mayBecome(earlier: JobRecord, job: JobRecord, nowMs: number): boolean {
  const wasDue = earlier.dueAt !== null && earlier.dueAt <= nowMs;
  const wasOver = earlier.expiresAt !== null && earlier.expiresAt <= nowMs;
  if (earlier.state === 'active') return job.crashes === earlier.crashes + 1;
  if (earlier.state === 'parked') return wasDue && job.state === 'waiting';
  if (earlier.state === 'delayed' && job.state === 'waiting') return wasDue;
  if (earlier.state === 'delayed' || earlier.state === 'waiting') return wasOver && job.cause === 'expired';
  return false;
}

function movedWrongly(earlier: JobRecord, job: JobRecord): string {
  return `${keyOf(job)} went from ${earlier.state} to ${job.state}`;
}

/** Who was asked to stop does not go back to work; only a redrive makes anew what has ended. */
export function endsAreFinal({ before, after }: Moment): void {
  for (const [key, earlier] of before.jobs) {
    const job = after.jobs.get(key);
    if (job === undefined || job.addedAt !== earlier.addedAt || job.generation !== earlier.generation)
      continue;
    if (job.claims < earlier.claims || job.token < earlier.token) continue;
    if (FINISHED.includes(earlier.state)) assert.equal(job.state, earlier.state, movedWrongly(earlier, job));
    if (earlier.cancelReason !== null && earlier.state === 'active') {
      assert.ok(!['waiting', 'delayed', 'parked'].includes(job.state), movedWrongly(earlier, job));
    }
  }
}

/**
 * The history of each job: attempts without a gap, tokens rising, one end a generation and nothing after it, every
 * claim accounted for.
 */
export async function historiesAreSound(store: Store, { jobs }: Snapshot): Promise<void> {
  for (const job of jobs.values()) {
    const attempts = await store.attempts(job);
    assert.equal(
      attempts.length,
      job.claims - (job.state === 'active' ? 1 : 0),
      `${keyOf(job)}: attempts = claims`,
    );
    for (const [index, attempt] of attempts.entries()) {
      const next = attempts[index + 1];
      assert.equal(attempt.number, index + 1);
      if (next === undefined) continue;
      assert.ok(next.token > attempt.token, `${keyOf(job)}: tokens rise`);
      assert.ok(next.generation >= attempt.generation, `${keyOf(job)}: generations rise`);
      const hasEnded = ['completed', 'failed', 'cancelled'].includes(attempt.outcome);
      if (hasEnded) assert.ok(next.generation > attempt.generation, `${keyOf(job)} ran again after its end`);
    }
  }
}
