/** Jobs, errors and filters out of a small world, so that commands meet each other often. */

import fc from 'fast-check';
import type { JobFilter } from '../../src/job/filter.ts';
import type { QueuePatch } from '../../src/job/queue-settings.ts';
import type { JobPolicy, JobRef, JobState, StoredError } from '../../src/job/record.ts';
import type { NewJob, NewOperation } from '../../src/store/store.ts';

export const QUEUES = ['q1', 'q2', 'dead'] as const;
const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'] as const;
export const WORKERS = ['w1', 'w2', 'w3'] as const;
const STATES: readonly JobState[] = [
  'waiting',
  'delayed',
  'active',
  'parked',
  'completed',
  'failed',
  'cancelled',
];

export const queue: fc.Arbitrary<string> = fc.constantFrom('q1', 'q1', 'q1', 'q2', 'dead');
export const worker: fc.Arbitrary<string> = fc.constantFrom(...WORKERS);
export const ref: fc.Arbitrary<JobRef> = fc.record({ queue, id: fc.constantFrom(...IDS, 'none') });
export const priority: fc.Arbitrary<number> = fc.constantFrom(0, 0, 0, 1, 5, 2_097_151);
export const delayMs: fc.Arbitrary<number> = fc.constantFrom(0, 0, 0, 1, 10, 500, 5_000, 60_000);
export const afterMs: fc.Arbitrary<number> = fc.constantFrom(0, 0, 1, 100, 5_000, 60_000);
/** Jobs that are alike, but for the last. */
const name = fc.constantFrom('mail', 'mail', 'bill', 'ä 😀');

/** Mostly nothing: a job with every option set would not live long enough to be interesting. */
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });

export const bytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.constantFrom('{"n":1}', '{"user":{"id":42}}', '[null]').map((text) => new TextEncoder().encode(text)),
);

const policy: fc.Arbitrary<JobPolicy> = fc.record({
  attempts: fc.constantFrom(1, 3),
  backoff: fc.constantFrom(null, { type: 'fixed', delayMs: 10, jitter: 0.5 } as const),
  retryForMs: maybe(fc.constant(60_000)),
  timeoutMs: maybe(fc.constantFrom(1_000, 20_000)),
  ttlMs: maybe(fc.constantFrom(0, 1, 5_000, 60_000)),
  deadLetterQueue: maybe(fc.constantFrom(...QUEUES, 'made-by-move')),
  keepCompletedMs: maybe(fc.constantFrom(0, 1_000)),
  keepFailedMs: maybe(fc.constantFrom(0, 1_000)),
});

export const newJob: fc.Arbitrary<NewJob> = fc.record({
  queue,
  id: fc.constantFrom(...IDS),
  name,
  body: bytes,
  contentType: fc.constantFrom('application/json', 'text/plain'),
  headers: fc.constantFrom({}, { tenant: 7, 'trace-id': 'ab', on: false }),
  policy,
  priority,
  lifo: fc.boolean(),
  delayMs,
});

export const error: fc.Arbitrary<StoredError> = fc.record({
  name: fc.constantFrom('Error', 'TypeError'),
  message: fc.constantFrom('no route to host', '100% wrong', 'Größe ß'),
  stack: fc.constantFrom(null, 'at mail.ts:1'),
  code: fc.constantFrom(null, 'ECONNRESET'),
  fingerprint: fc.constantFrom('f1', 'f2'),
});

export const filter: fc.Arbitrary<JobFilter> = fc.record(
  {
    queues: fc.subarray([...QUEUES, 'none'], { minLength: 1 }),
    states: fc.subarray([...STATES], { minLength: 1 }),
    ids: fc.subarray([...IDS]),
    names: fc.subarray(['mail', 'bill', 'ä 😀'], { minLength: 1 }),
    fingerprints: fc.constantFrom(['f1'], ['f1', 'f2'], ['lease-expired']),
    errorText: fc.constantFrom('route', 'ERROR', '%', 'größe', 'lease', ''),
    causes: fc.constantFrom(['expired'], ['crashed', 'cancelled'], ['attempts-spent']),
    withinMs: fc.constantFrom(0, 1_000, 60_000),
    olderThanMs: fc.constantFrom(0, 1, 5_000),
    attempts: fc.record({ is: fc.constantFrom('=', '<', '<=', '>', '>='), value: fc.nat(2) }),
    priority: fc.record({ is: fc.constantFrom('=', '<', '<=', '>', '>='), value: fc.nat(5) }),
    data: fc.constantFrom([{ path: ['n'], value: '1' }], [{ path: ['user', 'id'], value: '42' }]),
  },
  { requiredKeys: [] },
);

/** Most filters name one or two conditions; with all of them nothing would ever match. */
export const fewConditions: fc.Arbitrary<JobFilter> = fc
  .tuple(filter, fc.nat(11), fc.nat(11))
  .map(([all, one, other]) => {
    const entries = Object.entries(all);
    return Object.fromEntries(entries.filter((_, index) => index === one || index === other));
  });

const retention = fc.record(
  { ageMs: maybe(fc.constantFrom(0, 1_000, 60_000)), count: maybe(fc.constantFrom(0, 1, 2, 3)) },
  { requiredKeys: [] },
);

export const patch: fc.Arbitrary<QueuePatch> = fc.record(
  {
    paused: fc.constantFrom(true, false, false),
    delivery: fc.constantFrom('at-least-once', 'at-least-once', 'at-least-once', 'at-most-once'),
    maxCrashes: fc.nat(2),
    deadLetterQueue: maybe(fc.constantFrom(...QUEUES)),
    retention: fc.record(
      { completed: retention, failed: retention, cancelled: retention },
      { requiredKeys: [] },
    ),
    objectiveMs: fc.constant(5_000),
    feed: fc.constantFrom('auto', 'on'),
  },
  { requiredKeys: [] },
);

export const operation: fc.Arbitrary<NewOperation> = fc.record({
  id: fc.constantFrom('op1', 'op2', 'op3', 'op4'),
  kind: fc.constantFrom('redrive', 'discard', 'cancel', 'promote'),
  filter: fewConditions,
  toQueue: maybe(queue),
  ratePerSecond: maybe(fc.constantFrom(0.5, 2)),
  reason: fc.constantFrom('', 'outage'),
});
