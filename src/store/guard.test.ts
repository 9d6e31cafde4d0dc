import { describe, expect, it } from 'vitest';
import { ClosedError, InvalidOptionError, LimitExceededError, UnsupportedError } from '../errors.ts';
import type { JobPolicy } from '../job/record.ts';
import { guardStore } from './guard.ts';
import type { Effect, NewJob, Settlement, Store } from './store.ts';

const POLICY: JobPolicy = {
  attempts: 1,
  backoff: null,
  retryForMs: null,
  timeoutMs: null,
  ttlMs: null,
  deadLetterQueue: null,
  keepCompletedMs: null,
  keepFailedMs: null,
};
const ERROR = { name: 'Error', message: 'no', stack: null, code: null, fingerprint: 'f' };
const REF = { queue: 'orders', id: 'a' };
const LEASE = { ...REF, token: 1 };
const CLAIM = { claimId: 'c', queue: 'orders', limit: 1, worker: 'w', leaseMs: 30_000 };

function newJob(over: Partial<NewJob> = {}): NewJob {
  return {
    queue: 'orders',
    id: 'a',
    name: 'mail',
    body: new Uint8Array(2),
    contentType: 'application/json',
    headers: {},
    policy: POLICY,
    priority: 0,
    lifo: false,
    delayMs: 0,
    ...over,
  };
}

/** A store that does nothing but count the calls that reached it. */
function innerStore(): {
  readonly store: Store;
  readonly calls: { readonly verb: string; args: unknown[] }[];
} {
  const calls: { verb: string; args: unknown[] }[] = [];
  const store = new Proxy({} as Store, {
    get: (_target, verb: string) => {
      if (verb === 'kind') return 'memory';
      if (verb === 'can') return { transactions: false, shared: false, searchBodies: true, ordered: false };
      return (...args: unknown[]) => {
        calls.push({ verb, args });
        return verb === 'dump' ? [] : Promise.resolve([]);
      };
    },
  });
  return { store, calls };
}

async function refused(call: (store: Store) => Promise<unknown>): Promise<unknown> {
  const { store, calls } = innerStore();
  const error = await call(guardStore(store)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(calls).toEqual([]);
  return error;
}

async function pathsOf(call: (store: Store) => Promise<unknown>): Promise<string[]> {
  const error = await refused(call);
  expect(error).toBeInstanceOf(InvalidOptionError);
  return (error as InvalidOptionError).problems.map((problem) => problem.path);
}

const applying =
  (...effects: Effect[]) =>
  (store: Store): Promise<unknown> =>
    store.apply(effects);
const adding = (over: Partial<NewJob>): ((store: Store) => Promise<unknown>) =>
  applying({ op: 'add', jobs: [newJob(over)] });
const settling =
  (next: Settlement['next']) =>
  (store: Store): Promise<unknown> =>
    store.commit([{ lease: LEASE, next, mode: 'strict' }]);

describe('guardStore', () => {
  it('passes a good call on as it is, without copying payload bytes', async () => {
    const { store, calls } = innerStore();
    const effects: Effect[] = [{ op: 'add', jobs: [newJob({ headers: { a: 'x', b: 1.5, c: true } })] }];

    await guardStore(store).apply(effects, { requestId: 'r' });

    expect(calls).toHaveLength(1);
    expect(calls[0]?.args[0]).toBe(effects);
  });

  it('reports every problem of a call at once, each with its path', async () => {
    const paths = await pathsOf(
      applying(
        { op: 'add', jobs: [newJob(), newJob({ queue: 'a:b', id: '', priority: -1 })] },
        { op: 'promote', job: { queue: 'orders', id: 'x\n' } },
      ),
    );

    expect(paths).toEqual([
      'effects[0].jobs[1].queue',
      'effects[0].jobs[1].id',
      'effects[0].jobs[1].priority',
      'effects[1].job.id',
    ]);
  });

  it.each(['', 'a b', '-a', '.a', 'a/b', 'a:b', 'ä', 'a'.repeat(81), '__proto__', 'a\0'])(
    'refuses the queue name %j',
    async (queue) => {
      expect(await pathsOf(adding({ queue }))).toEqual(['effects[0].jobs[0].queue']);
    },
  );

  it('accepts a queue name of 80 characters', async () => {
    expect(await refusedOrNot(adding({ queue: 'a'.repeat(80) }))).toBe('passed');
  });

  it.each(['', 'a\0b', 'a\nb', '\u007f', '\u0085', '\ud800', '\udc00a', 'x'.repeat(257), 'é'.repeat(129)])(
    'refuses the id %j',
    async (id) => {
      expect(await pathsOf(adding({ id }))).toEqual(['effects[0].jobs[0].id']);
    },
  );

  it.each(['x'.repeat(256), 'é'.repeat(128), '😀', '__proto__', "'; drop table jobs; --", '\u202e', '../a'])(
    'accepts the id %j',
    async (id) => {
      expect(await refusedOrNot(adding({ id }))).toBe('passed');
    },
  );

  it.each([-1, 2_097_152, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null])(
    'refuses the priority %s',
    async (priority) => {
      expect(await pathsOf(adding({ priority: priority as number }))).toEqual([
        'effects[0].jobs[0].priority',
      ]);
    },
  );

  it.each([-1, 366 * 86_400_000 + 1, 0.1, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses the delay %s',
    async (delayMs) => {
      expect(await pathsOf(adding({ delayMs }))).toEqual(['effects[0].jobs[0].delayMs']);
    },
  );

  it('names what is wrong inside a policy', async () => {
    const policy: JobPolicy = {
      ...POLICY,
      attempts: 0,
      backoff: { type: 'exponential', delayMs: -1, factor: Number.NaN, maxMs: 1, jitter: 2 },
      ttlMs: Number.NaN,
      deadLetterQueue: 'a b',
    };

    expect(await pathsOf(adding({ policy }))).toEqual([
      'effects[0].jobs[0].policy.attempts',
      'effects[0].jobs[0].policy.backoff.delayMs',
      'effects[0].jobs[0].policy.backoff.jitter',
      'effects[0].jobs[0].policy.backoff.factor',
      'effects[0].jobs[0].policy.ttlMs',
      'effects[0].jobs[0].policy.deadLetterQueue',
    ]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -0, 1n, null, {}, '\ud800'])(
    'refuses the header value %s',
    async (value) => {
      expect(await pathsOf(adding({ headers: { h: value as string } }))).toEqual([
        'effects[0].jobs[0].headers.h',
      ]);
    },
  );

  it('answers LimitExceededError for what is well-formed and too much', async () => {
    const headers = Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`h${n}`, n]));
    const jobs = Array.from({ length: 1_001 }, (_, n) => newJob({ id: `${n}` }));

    for (const call of [
      adding({ headers }),
      adding({ headers: { h: 'x'.repeat(4_096) } }),
      adding({ body: new Uint8Array(64 * 1024 * 1024 + 1) }),
      applying({ op: 'add', jobs }),
      applying({ op: 'add', jobs: jobs.slice(0, 600) }, { op: 'add', jobs: jobs.slice(600) }),
      applying({ op: 'log', job: REF, lines: ['x'.repeat(16 * 1024 + 1)] }),
      applying({ op: 'cancel', job: REF, reason: 'x'.repeat(1_025) }),
      settling({ to: 'retry', afterMs: 0, error: { ...ERROR, stack: 'x'.repeat(16 * 1024 + 1) } }),
    ]) {
      expect(await refused(call)).toBeInstanceOf(LimitExceededError);
    }
  });

  it('counts the payload bytes of one call together', async () => {
    const body = new Uint8Array(33 * 1024 * 1024);
    const jobs = [newJob({ body }), newJob({ id: 'b', body })];

    expect(await refused(applying({ op: 'add', jobs }))).toBeInstanceOf(LimitExceededError);
    expect(await refusedOrNot(adding({ body: new Uint8Array(64 * 1024 * 1024) }))).toBe('passed');
  });

  it('lets a job be run alone under its lease only', async () => {
    const job = REF as typeof LEASE;

    expect(await pathsOf(applying({ op: 'isolate', job, alone: true }))).toEqual(['effects[0].job.token']);
    expect(await refusedOrNot(applying({ op: 'isolate', job: LEASE, alone: false }))).toBe('passed');
  });

  it('never takes a token that is not a number for no token', async () => {
    const job = { ...REF, token: undefined } as unknown as typeof LEASE;

    expect(await pathsOf(applying({ op: 'progress', job, value: new Uint8Array() }))).toEqual([
      'effects[0].job.token',
    ]);
  });

  it('checks leases, claims and ways to end an attempt', async () => {
    const bad = { ...CLAIM, claimId: '', limit: 0, leaseMs: 12 * 3_600_000 + 1, worker: '' };

    expect(await pathsOf((store) => store.claim([bad]))).toEqual([
      'requests[0].claimId',
      'requests[0].limit',
      'requests[0].worker',
      'requests[0].leaseMs',
    ]);
    expect(await pathsOf((store) => store.renew([{ ...LEASE, token: -1 }], -1))).toEqual([
      'leases[0].token',
      'leaseMs',
    ]);
    expect(await pathsOf(settling({ to: 'released', afterMs: Number.NaN, why: '\0' }))).toEqual([
      'settlements[0].next.afterMs',
      'settlements[0].next.why',
    ]);
    expect(await pathsOf(settling({ to: 'nowhere' } as unknown as Settlement['next']))).toEqual([
      'settlements[0].next.to',
    ]);
  });

  it('refuses a misspelt condition instead of meaning more jobs', async () => {
    const filter = { state: ['failed'] } as object;

    expect(await pathsOf((store) => store.find(filter, { cursor: null, limit: 0 }))).toEqual([
      'filter.state',
      'page.limit',
    ]);
    expect(
      await pathsOf(applying({ op: 'configure', queue: 'q', patch: { pause: true } as object })),
    ).toEqual(['effects[0].patch.pause']);
  });

  it('refuses an undefined in a patch, which would wipe the setting', async () => {
    const patch = { maxCrashes: undefined } as unknown as { maxCrashes: number };

    expect(await pathsOf(applying({ op: 'configure', queue: 'q', patch }))).toEqual([
      'effects[0].patch.maxCrashes',
    ]);
  });

  it('answers a typed error for arguments of a wrong type, whatever they are', async () => {
    for (const wrong of [undefined, null, 7, 'x', [], {}, () => undefined]) {
      const calls: ((store: Store) => Promise<unknown>)[] = [
        (store) => store.apply(wrong as never),
        (store) => store.apply([wrong as never]),
        (store) => store.apply([{ op: 'add', jobs: [wrong as never] }]),
        (store) => store.claim([wrong as never]),
        (store) => store.commit([wrong as never]),
        (store) => store.renew([wrong as never], 1),
        (store) => store.beat([wrong as never]),
        (store) => store.endSession(wrong === 'x' ? '' : (wrong as never)),
        (store) => store.upkeep(wrong as never),
        (store) => store.job(wrong as never),
        (store) => store.find({}, wrong as never),
        (store) => store.feed(wrong as never),
        (store) => store.stats(wrong as never),
        (store) => store.watch(wrong as never, wrong as never),
      ];
      for (const call of calls) {
        // An empty array is a good list of effects, and there is nothing wrong with an empty list of queues.
        if (Array.isArray(wrong) && call === calls[0]) continue;
        expect(await refused(call)).toBeInstanceOf(InvalidOptionError);
      }
    }
  });

  it('refuses a transaction where the store has none', async () => {
    expect(await refused((store) => store.apply([], { tx: {} }))).toBeInstanceOf(UnsupportedError);
  });

  it('throws ClosedError from every verb after close, which may be called twice', async () => {
    const { store, calls } = innerStore();
    const outside = guardStore(store);

    await Promise.all([outside.close(), outside.close()]);

    expect(calls.map((call) => call.verb)).toEqual(['close']);
    const after: (() => Promise<unknown>)[] = [
      () => outside.durability(),
      () => outside.apply([]),
      () => outside.claim([]),
      () => outside.commit([]),
      () => outside.renew([], 1),
      () => outside.job(REF),
      () => outside.verify(),
      async () => {
        for await (const row of outside.dump()) expect(row).toBeUndefined();
      },
    ];
    for (const call of after) await expect(call()).rejects.toBeInstanceOf(ClosedError);
  });

  it('is put on once only', () => {
    const { store } = innerStore();
    const outside = guardStore(store);

    expect(guardStore(outside)).toBe(outside);
  });
});

async function refusedOrNot(call: (store: Store) => Promise<unknown>): Promise<'passed' | unknown> {
  const { store, calls } = innerStore();
  const error = await call(guardStore(store)).catch((thrown: unknown) => thrown);
  return calls.length === 1 ? 'passed' : error;
}
