import assert from 'node:assert/strict';
import { InvalidOptionError, LimitExceededError } from '../../errors.ts';
import {
  HARD_MAX_PAYLOAD_BYTES,
  MAX_ATTEMPTS,
  MAX_BATCH_JOBS,
  MAX_DELAY_MS,
  MAX_HEADER_BYTES,
  MAX_HEADERS,
  MAX_ID_BYTES,
  MAX_LEASE_MS,
  MAX_LOG_LINE_BYTES,
  MAX_LOG_LINES,
  MAX_PAGE,
  MAX_PRIORITY,
  MAX_REASON_BYTES,
  MAX_SLICE,
  MAX_STACK_BYTES,
} from '../../job/limits.ts';
import type { JobPolicy } from '../../job/record.ts';
import type { Effect, NewJob, Next, Store } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  add,
  applyOne,
  assertBytes,
  at,
  claimOne,
  claimRequest,
  countsOf,
  errorOf,
  FIRST_PAGE,
  finish,
  jobOf,
  newJob,
  session,
  settle,
  unchanged,
  upkeep,
} from './support.ts';

const letters = (count: number): string => 'x'.repeat(count);
/** Two bytes a letter. */
const umlauts = (count: number): string => 'ä'.repeat(count);

async function refused(store: Store, what: string, call: () => Promise<unknown>): Promise<void> {
  await unchanged(store, async () => {
    await assert.rejects(call(), (error) => {
      assert.ok(
        error instanceof InvalidOptionError || error instanceof LimitExceededError,
        `${what}: ${String(error)}`,
      );
      return true;
    });
  });
}

function headersOf(count: number, bytes = 1): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`h${n}`, letters(bytes)]));
}

/** Jobs that are just allowed, and one step further. */
const EDGES: readonly [string, Partial<NewJob>, Partial<NewJob>][] = [
  ['queue', { queue: letters(80) }, { queue: letters(81) }],
  ['id', { id: letters(MAX_ID_BYTES) }, { id: letters(MAX_ID_BYTES + 1) }],
  ['id in UTF-8', { id: umlauts(MAX_ID_BYTES / 2) }, { id: `${umlauts(MAX_ID_BYTES / 2)}x` }],
  ['name', { name: letters(MAX_ID_BYTES) }, { name: letters(MAX_ID_BYTES + 1) }],
  ['content type', { contentType: letters(MAX_ID_BYTES) }, { contentType: letters(MAX_ID_BYTES + 1) }],
  ['headers', { headers: headersOf(MAX_HEADERS) }, { headers: headersOf(MAX_HEADERS + 1) }],
  [
    'header',
    { headers: headersOf(1, MAX_HEADER_BYTES - 2) },
    { headers: headersOf(1, MAX_HEADER_BYTES - 1) },
  ],
  ['priority', { priority: MAX_PRIORITY }, { priority: MAX_PRIORITY + 1 }],
  ['lowest priority', { priority: 0 }, { priority: -1 }],
  ['delay', { delayMs: MAX_DELAY_MS }, { delayMs: MAX_DELAY_MS + 1 }],
  ['shortest delay', { delayMs: 1 }, { delayMs: 0.5 }],
];

const POLICY_EDGES: readonly [keyof JobPolicy, number, number][] = [
  ['attempts', MAX_ATTEMPTS, MAX_ATTEMPTS + 1],
  ['attempts', 1, 0],
  ['ttlMs', 0, -1],
  ['timeoutMs', 1, Number.NaN],
  ['retryForMs', 86_400_000, Number.POSITIVE_INFINITY],
  ['keepCompletedMs', 0, -1],
  ['keepFailedMs', 1_000, 0.5],
];

export const limitsCases: Topic = (guarantee) => {
  guarantee(
    'a job at each limit is kept as it is, one beyond it is refused and nothing is written',
    async ({ store }) => {
      for (const [what, allowed, beyond] of EDGES) {
        const id = `edge-${what}`;
        await refused(store, what, () => add(store, { id, ...beyond }));
        await add(store, { id, ...allowed });
        const job = newJob({ id, ...allowed });
        const stored = await jobOf(store, job.id, job.queue);
        assert.deepEqual(
          [stored.queue, stored.id, stored.name, stored.contentType, stored.headers, stored.priority],
          [job.queue, job.id, job.name, job.contentType, job.headers, job.priority],
        );
      }
    },
  );

  guarantee('a policy at each limit is kept, one beyond it is refused', async ({ store }) => {
    for (const [name, allowed, beyond] of POLICY_EDGES) {
      const id = `${name}-${allowed}`;
      await refused(store, name, () => add(store, { id, policy: { [name]: beyond } }));
      await add(store, { id, policy: { [name]: allowed } });
      assert.equal((await jobOf(store, id)).policy[name], allowed);
    }
  });

  guarantee('numbers that are none are refused wherever a number is asked for', async ({ store }) => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1, 1.5, '1' as unknown as number]) {
      const what = String(bad);
      await refused(store, what, () => add(store, { priority: bad }));
      await refused(store, what, () => add(store, { delayMs: bad }));
      await refused(store, what, () => store.claim([claimRequest({ limit: bad })]));
      await refused(store, what, () => store.claim([claimRequest({ leaseMs: bad })]));
      await refused(store, what, () => store.renew([], bad));
      await refused(store, what, () => upkeep(store, { limit: bad }));
      await refused(store, what, () => store.find({}, { cursor: null, limit: bad }));
      await refused(store, what, () => store.logs(at('a'), bad, 1));
      await refused(store, what, () => store.audit(bad));
      await refused(store, what, () => store.find({ withinMs: bad }, FIRST_PAGE));
      await refused(store, what, () =>
        store.feed({ queues: ['orders'], after: bad, limit: 1, keepMs: 1_000 }),
      );
    }
  });

  guarantee('a lease may be asked for up to twelve hours', async ({ store }) => {
    await add(store);
    await refused(store, 'claim', () => store.claim([claimRequest({ leaseMs: MAX_LEASE_MS + 1 })]));
    const { lease } = await claimOne(store, { leaseMs: MAX_LEASE_MS });

    await refused(store, 'renew', () => store.renew([lease], MAX_LEASE_MS + 1));
    assert.equal((await store.renew([lease], MAX_LEASE_MS))[0]?.outcome, 'ok');
  });

  guarantee('a call takes a thousand of everything and not one more', async ({ store }) => {
    const jobs = Array.from({ length: MAX_BATCH_JOBS + 1 }, (_, n) => newJob({ id: `job-${n}` }));
    const promote: Effect = { op: 'promote', job: at('none') };
    const settlement = {
      lease: { ...at('none'), token: 1 },
      next: { to: 'completed', result: null },
    } as const;
    const over = MAX_BATCH_JOBS + 1;
    const many = <T>(entry: T): T[] => Array.from({ length: over }, () => entry);

    await refused(store, 'jobs', () => store.apply([{ op: 'add', jobs }]));
    await refused(store, 'jobs of several effects', () =>
      store.apply([
        { op: 'add', jobs: jobs.slice(0, 500) },
        { op: 'add', jobs: jobs.slice(500) },
      ]),
    );
    await refused(store, 'effects', () => store.apply(many(promote)));
    await refused(store, 'settlements', () => store.commit(many({ ...settlement, mode: 'strict' })));
    await refused(store, 'claims', () => store.claim(many(claimRequest())));
    await refused(store, 'leases', () => store.renew(many(settlement.lease), 1));
    await refused(store, 'limit of a claim', () => store.claim([claimRequest({ limit: over })]));
    await refused(store, 'queues', () => store.queues(many('orders')));

    assert.equal((await store.apply(many(promote).slice(1))).length, MAX_BATCH_JOBS);
    assert.equal((await store.renew(many(settlement.lease).slice(1), 1)).length, MAX_BATCH_JOBS);
    assert.equal((await store.claim([claimRequest({ limit: MAX_BATCH_JOBS })])).length, 1);
    assert.deepEqual(await store.queues(), []);
  });

  guarantee('pages and slices are at most a thousand', async ({ store }) => {
    await add(store);
    await refused(store, 'page', () => store.find({}, { cursor: null, limit: MAX_PAGE + 1 }));
    await refused(store, 'log', () => store.logs(at('a'), 0, MAX_PAGE + 1));
    await refused(store, 'upkeep', () => upkeep(store, { limit: MAX_SLICE + 1 }));
    await refused(store, 'no page', () => store.find({}, { cursor: null, limit: 0 }));

    assert.equal((await store.find({}, { cursor: null, limit: MAX_PAGE })).jobs.length, 1);
    assert.equal((await upkeep(store, { limit: MAX_SLICE })).led, true);
  });

  guarantee('a log line has its limit, and so has what is written at once', async ({ store }) => {
    await add(store);
    const log = (lines: string[]) => applyOne(store, { op: 'log', job: at('a'), lines });

    await refused(store, 'line', () => log([letters(MAX_LOG_LINE_BYTES + 1)]));
    await refused(store, 'lines', () => log(Array.from({ length: MAX_LOG_LINES + 1 }, () => 'x')));
    await log([letters(MAX_LOG_LINE_BYTES)]);

    assert.equal((await store.logs(at('a'), 0, 5))[0]?.text.length, MAX_LOG_LINE_BYTES);
  });

  guarantee(
    'errors and reasons have their limits, and at the limit nothing of them is cut off',
    async ({ store }) => {
      const long = { ...errorOf('x'), message: letters(MAX_STACK_BYTES), stack: letters(MAX_STACK_BYTES) };
      const next = (error: typeof long): Next => ({ to: 'retry', afterMs: 0, error });
      await add(store);
      const { lease } = await claimOne(store);
      await refused(store, 'stack', () => settle(store, lease, next({ ...long, stack: `${long.stack}x` })));
      await refused(store, 'reason', () =>
        settle(store, lease, { to: 'cancelled', reason: letters(MAX_REASON_BYTES + 1), cause: 'discarded' }),
      );
      await settle(store, lease, next(long));
      assert.deepEqual((await jobOf(store)).error, long);

      const reason = letters(MAX_REASON_BYTES);
      await applyOne(store, { op: 'cancel', job: at('a'), reason });

      assert.equal((await jobOf(store)).cancelReason, reason);
    },
  );

  guarantee('text that no store can keep is refused, not changed', async ({ store }) => {
    await add(store);
    for (const bad of ['a\0b', '\ud800', 'x\udc00']) {
      await refused(store, 'log', () => applyOne(store, { op: 'log', job: at('a'), lines: ['ok', bad] }));
      await refused(store, 'reason', () => applyOne(store, { op: 'cancel', job: at('a'), reason: bad }));
      await refused(store, 'header', () => add(store, { id: 'b', headers: { h: bad } }));
      await refused(store, 'host', () => store.beat([session({ host: bad })]));
    }
    assert.deepEqual(await store.sessions(), []);
  });

  guarantee('a payload may be 64 MiB and not a byte more', async ({ store }) => {
    const largest = new Uint8Array(HARD_MAX_PAYLOAD_BYTES).fill(7);
    const tooLarge = new Uint8Array(HARD_MAX_PAYLOAD_BYTES + 1);
    await refused(store, 'body', () => add(store, { body: tooLarge }));
    await refused(store, 'two bodies in one call', () =>
      add(store, { id: 'a', body: largest }, { id: 'b', body: new Uint8Array(1) }),
    );

    await add(store, { body: largest });

    assertBytes((await jobOf(store)).body, largest);
    await store.apply([{ op: 'discard', job: at('a') }]);
  });

  guarantee(
    'a result or progress that is too large is refused and the lease stays good',
    async ({ store }) => {
      const tooLarge = new Uint8Array(HARD_MAX_PAYLOAD_BYTES + 1);
      await add(store);
      const { lease } = await claimOne(store);

      await refused(store, 'result', () => settle(store, lease, { to: 'completed', result: tooLarge }));
      await refused(store, 'progress', () =>
        applyOne(store, { op: 'progress', job: lease, value: tooLarge }),
      );

      assert.equal((await settle(store, lease)).outcome, 'ok');
    },
  );

  guarantee('all that is wrong with a call is said at once, with its path', async ({ store }) => {
    const jobs = [newJob(), newJob({ queue: 'a/b', priority: -1 }), newJob({ id: '' })];

    const error = await store.apply([{ op: 'add', jobs }]).catch((thrown: unknown) => thrown);

    assert.ok(error instanceof InvalidOptionError);
    assert.deepEqual(
      error.problems.map((problem) => problem.path),
      ['effects[0].jobs[1].queue', 'effects[0].jobs[1].priority', 'effects[0].jobs[2].id'],
    );
  });

  guarantee('a misspelt filter is refused instead of meaning every job', async ({ store }) => {
    await finish(store);
    const filter = { state: ['failed'] } as object;
    const operation = {
      id: 'op',
      kind: 'discard',
      filter,
      toQueue: null,
      ratePerSecond: null,
      reason: '',
    } as const;

    await refused(store, 'find', () => store.find(filter, FIRST_PAGE));
    await refused(store, 'operation', () => applyOne(store, { op: 'start-operation', operation }));
    assert.deepEqual(await countsOf(store), { completed: 1 });
  });
};
