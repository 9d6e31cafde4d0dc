import fc from 'fast-check';
import type { Effect, Next, Session, UpkeepBudget } from '../../src/store/store.ts';
import {
  afterMs,
  bytes,
  delayMs,
  error,
  fewConditions,
  newJob,
  operation,
  patch,
  priority,
  queue,
  ref,
  WORKERS,
  worker,
} from './arbitrary-job.ts';
import type { ClaimChoice, Command, EffectChoice, LeaseChoice, SettlementChoice } from './command.ts';

const lease: fc.Arbitrary<LeaseChoice> = fc.record({
  pick: fc.nat(9),
  shift: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, -1, 1),
});

const cause = fc.constantFrom('attempts-spent', 'unrecoverable', 'invalid-payload', 'retry-time-over');
const reason = fc.constantFrom('', 'not needed');

const next: fc.Arbitrary<Next> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ to: fc.constant('completed'), result: fc.option(bytes) }) },
  { weight: 2, arbitrary: fc.record({ to: fc.constant('failed'), error, cause }) },
  { weight: 3, arbitrary: fc.record({ to: fc.constant('retry'), afterMs, error }) },
  fc.record({ to: fc.constant('released'), afterMs, why: reason }),
  fc.record({ to: fc.constant('cancelled'), reason, cause: fc.constantFrom('cancelled', 'discarded') }),
  fc.record({ to: fc.constant('parked'), wake: fc.record({ afterMs: fc.option(afterMs) }) }),
) as fc.Arbitrary<Next>;

/** Whose lease it is stands in its choice. */
const isolate = fc.record({
  op: fc.constant('isolate'),
  job: ref,
  alone: fc.boolean(),
}) as unknown as fc.Arbitrary<Effect>;

type WorkersWrite = Extract<Effect, { op: 'progress' | 'log' | 'data' }>;

/** Fenced when named by a lease, free for all when named by queue and id. */
const workersWrite = fc.oneof(
  fc.record({ op: fc.constant('progress'), job: ref, value: bytes }),
  fc.record({
    op: fc.constant('log'),
    job: ref,
    lines: fc.array(fc.constantFrom('', 'one', 'ß\n'), { maxLength: 3 }),
  }),
  fc.record({
    op: fc.constant('data'),
    job: ref,
    body: bytes,
    contentType: fc.constantFrom('x/y', 'application/json'),
  }),
) as fc.Arbitrary<WorkersWrite>;

const move = fc.oneof(
  { weight: 2, arbitrary: fc.record({ op: fc.constant('cancel'), job: ref, reason }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('redrive'), job: ref, toQueue: fc.option(queue) }) },
  fc.record({ op: fc.constant('discard'), job: ref }),
  fc.record({ op: fc.constant('promote'), job: ref }),
  { weight: 2, arbitrary: fc.record({ op: fc.constant('reschedule'), job: ref, delayMs }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('prioritize'), job: ref, priority, lifo: fc.boolean() }),
  },
) as fc.Arbitrary<Effect>;

const administration = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('configure'), queue, patch }) },
  fc.record({
    op: fc.constant('drain'),
    queue,
    delayed: fc.boolean(),
    before: fc.option(fc.nat(30), { freq: 2 }),
  }),
  fc.record({ op: fc.constant('obliterate'), queue, force: fc.constantFrom(true, false, false) }),
  { weight: 3, arbitrary: fc.record({ op: fc.constant('start-operation'), operation }) },
  fc.record({ op: fc.constant('abort-operation'), id: fc.constantFrom('op1', 'op2', 'none') }),
) as fc.Arbitrary<Effect>;

const adding = fc.record({
  op: fc.constant('add'),
  jobs: fc.array(newJob, { maxLength: 2 }),
}) as fc.Arbitrary<Effect>;

const byName = (effect: fc.Arbitrary<Effect>): fc.Arbitrary<EffectChoice> =>
  effect.map((each) => ({ by: 'name', effect: each }));

type OnJob = Extract<Effect, { job: unknown }>;
const byLease = (effect: fc.Arbitrary<Effect>): fc.Arbitrary<EffectChoice> =>
  fc.record({ by: fc.constant('lease' as const), lease, effect: effect as fc.Arbitrary<OnJob> });

const effect: fc.Arbitrary<EffectChoice> = fc.oneof(
  { weight: 4, arbitrary: byName(move) },
  { weight: 2, arbitrary: byName(administration) },
  { weight: 2, arbitrary: byName(workersWrite) },
  { weight: 1, arbitrary: byName(adding) },
  { weight: 3, arbitrary: byLease(workersWrite) },
  { weight: 2, arbitrary: byLease(isolate) },
  // Moves of the very job that runs, which is where they must not be done by halves.
  { weight: 1, arbitrary: byLease(move) },
);

const settlement: fc.Arbitrary<SettlementChoice> = fc.record({
  lease,
  next,
  mode: fc.constantFrom('strict', 'strict', 'lenient'),
  effects: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(effect, { maxLength: 2 })),
  traceId: fc.constantFrom(null, null, 'trace'),
});

const claimChoice: fc.Arbitrary<ClaimChoice> = fc.record({
  queue,
  limit: fc.constantFrom(1, 1, 2, 5),
  worker,
  leaseMs: fc.constantFrom(null, 1_000, 30_000, 30_000, 0),
  quarantine: fc.boolean(),
  repeat: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, fc.nat(3)),
});

const session: fc.Arbitrary<Session> = fc.record({
  id: worker,
  ttlMs: fc.constantFrom(1, 1_000, 30_000, 600_000),
  host: fc.constant('mill'),
  pid: fc.nat(5),
  version: fc.constant('1'),
  queues: fc.constantFrom([], [{ queue: 'q1', slots: 4, busy: 1 }]),
  lagMs: fc.constantFrom(0, 1.5),
});

const sessions = fc.uniqueArray(session, { maxLength: 3, selector: ({ id }) => id });

const budget: fc.Arbitrary<UpkeepBudget> = fc.record({
  holder: fc.constantFrom('h1', 'h1', 'h1', 'h2'),
  leaderLeaseMs: fc.constantFrom(1, 1_000),
  limit: fc.constantFrom(1, 2, 5, 1_000),
  reclaim: fc.boolean(),
});

const requestId = fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, fc.constantFrom('r1', 'r2', 'r3'));

const kind = <K extends Command['kind']>(
  name: K,
  rest: {
    [P in keyof Omit<Extract<Command, { kind: K }>, 'kind'>]: fc.Arbitrary<Extract<Command, { kind: K }>[P]>;
  },
): fc.Arbitrary<Command> =>
  fc.record({ kind: fc.constant(name), ...rest }) as unknown as fc.Arbitrary<Command>;

export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 14,
    arbitrary: kind('add', { jobs: fc.array(newJob, { minLength: 1, maxLength: 3 }), requestId }),
  },
  {
    weight: 12,
    arbitrary: kind('apply', {
      effects: fc.array(effect, { minLength: 1, maxLength: 3 }),
      requestId,
      actor: fc.constantFrom(null, null, 'ada'),
    }),
  },
  { weight: 16, arbitrary: kind('claim', { claims: fc.array(claimChoice, { minLength: 1, maxLength: 2 }) }) },
  {
    weight: 16,
    arbitrary: kind('commit', {
      settlements: fc.array(settlement, { maxLength: 3 }),
      claims: fc.array(claimChoice, { maxLength: 1 }),
    }),
  },
  {
    weight: 4,
    arbitrary: kind('renew', {
      leases: fc.array(lease, { minLength: 1, maxLength: 3 }),
      leaseMs: fc.constantFrom(0, 1_000, 30_000),
    }),
  },
  { weight: 3, arbitrary: kind('beat', { sessions }) },
  { weight: 2, arbitrary: kind('endSession', { id: fc.constantFrom(...WORKERS) }) },
  { weight: 10, arbitrary: kind('upkeep', { budget }) },
  { weight: 1, arbitrary: kind('job', { ref }) },
  { weight: 1, arbitrary: kind('attempts', { ref }) },
  { weight: 1, arbitrary: kind('logs', { ref, after: fc.nat(3), limit: fc.constantFrom(1, 10) }) },
  {
    weight: 3,
    arbitrary: kind('find', {
      filter: fewConditions,
      limit: fc.constantFrom(1, 2, 100),
      order: fc.constantFrom('newest', 'oldest'),
    }),
  },
  { weight: 1, arbitrary: kind('queues', { names: fc.constantFrom(null, ['q1', 'none'], []) }) },
  {
    weight: 1,
    arbitrary: kind('stats', {
      request: fc.record({
        queue,
        step: fc.constantFrom('minute', 'hour'),
        withinMs: fc.constantFrom(0, 60_000, 7_200_000),
      }),
    }),
  },
  {
    weight: 4,
    arbitrary: kind('feed', {
      request: fc.record({
        queues: fc.constantFrom(['q1'], ['q1', 'q2', 'dead'], ['none']),
        limit: fc.constantFrom(1, 3, 1_000),
        keepMs: fc.constantFrom(0, 1_000, 600_000),
      }),
      from: fc.constantFrom('now', 'start', 'cursor', 'cursor', 'cursor'),
    }),
  },
  { weight: 1, arbitrary: kind('lists', {}) },
  {
    weight: 9,
    arbitrary: kind('advance', {
      ms: fc.constantFrom(1, 10, 500, 1_000, 1_000, 5_000, 5_000, 6_000, 30_000, 60_000, 600_000, 86_400_000),
    }),
  },
  { weight: 1, arbitrary: kind('shift', { ms: fc.constantFrom(-60_000, -1_000, -1, 60_000) }) },
);
