import assert from 'node:assert/strict';
import { MillraceError } from '../../errors.ts';
import type { StoredError } from '../../job/record.ts';
import type { NewOperation, Store } from '../../store/store.ts';
import type { Topic } from './scene.ts';
import {
  add,
  applyOne,
  at,
  claimOne,
  claimRequest,
  errorOf,
  FIRST_PAGE,
  failed,
  finish,
  jobOf,
  moveOk,
  newJob,
  retry,
  session,
  settle,
  settleOk,
  upkeep,
  utf8,
} from './support.ts';

/** Text that some layer might take for more than text. */
const CORPUS: readonly string[] = [
  "'; drop table jobs; --",
  `' or '1'='1`,
  '"; delete from queues; --',
  "x') on conflict do nothing; --",
  '$1 ?1 :id @id',
  '%s %_ \\% _',
  '*',
  '[a-z]*?',
  'KEYS[1] redis.call("flushall")',
  "return redis.call('del', KEYS[1])",
  '{tag}:x',
  'a:b',
  '../../../../etc/passwd',
  '..\\..\\windows',
  'file:///etc/passwd?mode=memory',
  '\0',
  'a\0b',
  'line\nbreak\r\n',
  '\u001b[2J\u0007',
  '\u202egnp.exe',
  '\ufeff\u200b\u2060',
  '\ud800',
  '😀 日本語 עברית',
  '`"\'\\',
  '\u0024{7*7} {{7*7}} #{7*7}',
  '<script>alert(1)</script>',
  '$(rm -rf /) ; | &',
  '__proto__',
  'constructor',
  'toString',
  '{"__proto__":{"polluted":1}}',
  'null',
  'undefined',
  'NaN',
  '-1',
  '1e309',
  '9007199254740993',
  ' ',
  'x'.repeat(300),
  'x'.repeat(70_000),
];

/** One place of one verb that takes text. */
type Slot = (store: Store, text: string) => Promise<unknown>;

async function withLease(
  store: Store,
  act: (lease: { queue: string; id: string; token: number }) => Promise<unknown>,
) {
  await add(store, { id: 'held', queue: 'target' });
  const { lease } = await claimOne(store, { queue: 'target' });
  try {
    await act(lease);
  } finally {
    await settle(store, lease);
    await store.apply([{ op: 'discard', job: at('held', 'target') }]);
  }
}

const adding =
  (over: (text: string) => Parameters<typeof newJob>[0]): Slot =>
  (store, text) =>
    store.apply([{ op: 'add', jobs: [newJob({ queue: 'target', ...over(text) })] }]);

const ADD: Readonly<Record<string, Slot>> = {
  queue: adding((text) => ({ queue: text, id: 'q' })),
  id: adding((text) => ({ id: text })),
  name: adding((text) => ({ id: `n-${text.length}`, name: text })),
  'content type': adding((text) => ({ id: `c-${text.length}`, contentType: text })),
  'header name': adding((text) => ({ id: `hn-${text.length}`, headers: Object.fromEntries([[text, 1]]) })),
  'header value': adding((text) => ({ id: `hv-${text.length}`, headers: { h: text } })),
  'dead-letter queue': adding((text) => ({ id: 'd', policy: { deadLetterQueue: text } })),
  'name of a backoff': adding((text) => ({
    id: 'b',
    policy: { backoff: { type: 'custom', name: text, delayMs: 1 } },
  })),
  'request id': (store, text) => store.apply([], { requestId: text }),
  actor: (store, text) => store.apply([{ op: 'promote', job: at('none', 'target') }], { actor: text }),
};

const EFFECTS: Readonly<Record<string, Slot>> = {
  'progress of id': (store, text) =>
    applyOne(store, { op: 'progress', job: at(text, 'target'), value: utf8('1') }),
  'progress of queue': (store, text) =>
    applyOne(store, { op: 'progress', job: at('x', text), value: utf8('1') }),
  'log line': (store, text) =>
    withLease(store, (job) => applyOne(store, { op: 'log', job, lines: [text, text] })),
  'content type of data': (store, text) =>
    withLease(store, (job) => applyOne(store, { op: 'data', job, body: utf8(''), contentType: text })),
  'cancel id': (store, text) => applyOne(store, { op: 'cancel', job: at(text, 'target'), reason: 'x' }),
  'cancel reason': (store, text) =>
    withLease(store, (job) => applyOne(store, { op: 'cancel', job, reason: text })),
  'redrive id': (store, text) => applyOne(store, { op: 'redrive', job: at(text, 'target'), toQueue: null }),
  'redrive to': (store, text) => applyOne(store, { op: 'redrive', job: at('x', 'target'), toQueue: text }),
  'discard id': (store, text) => applyOne(store, { op: 'discard', job: at(text, 'target') }),
  'discard queue': (store, text) => applyOne(store, { op: 'discard', job: at('safe', text) }),
  'promote id': (store, text) => applyOne(store, { op: 'promote', job: at(text, 'target') }),
  'reschedule id': (store, text) =>
    applyOne(store, { op: 'reschedule', job: at(text, 'target'), delayMs: 1 }),
  'prioritize id': (store, text) =>
    applyOne(store, { op: 'prioritize', job: at(text, 'target'), priority: 1, lifo: true }),
  'configure queue': (store, text) =>
    applyOne(store, { op: 'configure', queue: text, patch: { paused: true } }),
  'configured dead-letter queue': (store, text) =>
    applyOne(store, { op: 'configure', queue: 'target', patch: { deadLetterQueue: text } }),
  'drain queue': (store, text) => applyOne(store, { op: 'drain', queue: text, delayed: true, before: null }),
  'obliterate queue': (store, text) => applyOne(store, { op: 'obliterate', queue: text, force: true }),
  'abort id': (store, text) => applyOne(store, { op: 'abort-operation', id: text }),
};

const ending =
  (over: (text: string) => Partial<StoredError>): Slot =>
  (store, text) =>
    withLease(store, (lease) =>
      settle(store, lease, {
        to: 'failed',
        error: { ...errorOf('x'), ...over(text) },
        cause: 'unrecoverable',
      }),
    );

const WORK: Readonly<Record<string, Slot>> = {
  'claim id': (store, text) => store.claim([claimRequest({ queue: 'none', claimId: text })]),
  'claim queue': (store, text) => store.claim([claimRequest({ queue: text })]),
  'claim worker': async (store, text) => {
    await add(store, { id: 'w', queue: 'claimed' });
    await store.claim([claimRequest({ queue: 'claimed', worker: text })]);
    await store.endSession(text);
  },
  'lease queue': (store, text) => settle(store, { queue: text, id: 'safe', token: 1 }),
  'lease id': (store, text) => settle(store, { queue: 'canary', id: text, token: 1 }),
  'renewed id': (store, text) => store.renew([{ queue: 'canary', id: text, token: 1 }], 1),
  'error name': ending((text) => ({ name: text })),
  'error message': ending((text) => ({ message: text })),
  'error stack': ending((text) => ({ stack: text })),
  'error code': ending((text) => ({ code: text })),
  fingerprint: ending((text) => ({ fingerprint: text })),
  'why it was released': (store, text) =>
    withLease(store, (lease) => settle(store, lease, { to: 'released', afterMs: 9_000, why: text })),
  'why it was discarded': (store, text) =>
    withLease(store, (lease) => settle(store, lease, { to: 'cancelled', reason: text, cause: 'discarded' })),
  'trace id': (store, text) =>
    withLease(store, (lease) => settle(store, lease, retry(9_000), { traceId: text })),
  'session id': async (store, text) => {
    await store.beat([session({ id: text })]);
    await store.endSession(text);
  },
  'session host': (store, text) => store.beat([session({ id: 's', host: text })]),
  'session version': (store, text) => store.beat([session({ id: 's', version: text })]),
  'session queue': (store, text) =>
    store.beat([session({ id: 's', queues: [{ queue: text, slots: 1, busy: 0 }] })]),
  'upkeep holder': (store, text) => upkeep(store, { holder: text, leaderLeaseMs: 1, reclaim: true }),
};

const operating =
  (over: (text: string) => Partial<NewOperation>): Slot =>
  async (store, text) => {
    const operation: NewOperation = {
      id: 'op',
      kind: 'discard',
      filter: { queues: ['target'] },
      toQueue: null,
      ratePerSecond: null,
      reason: 'x',
      ...over(text),
    };
    await applyOne(store, { op: 'start-operation', operation });
    await upkeep(store);
    await applyOne(store, { op: 'abort-operation', id: operation.id });
  };

const SEARCHES: Readonly<Record<string, Slot>> = {
  'job queue': (store, text) => store.job(at('safe', text)),
  'job id': (store, text) => store.job(at(text, 'canary')),
  'attempts id': (store, text) => store.attempts(at(text, 'canary')),
  'logs id': (store, text) => store.logs(at(text, 'canary'), 0, 10),
  'queue names': (store, text) => store.queues([text]),
  'stats queue': (store, text) => store.stats({ queue: text, step: 'minute', withinMs: 1 }),
  'stats step': (store, text) => store.stats({ queue: 'canary', step: text as 'hour', withinMs: 1 }),
  'feed queue': (store, text) => store.feed({ queues: [text], after: null, limit: 1, keepMs: 0 }),
  'watched queue': async (store, text) => (await store.watch([text], () => undefined))(),
  'found cursor': (store, text) => store.find({}, { cursor: text, limit: 5 }),
  'found order': (store, text) => store.find({}, { ...FIRST_PAGE, order: text as 'newest' }),
  'found queues': (store, text) => store.find({ queues: [text] }, FIRST_PAGE),
  'found states': (store, text) => store.find({ states: [text as 'failed'] }, FIRST_PAGE),
  'found ids': (store, text) => store.find({ ids: [text] }, FIRST_PAGE),
  'found names': (store, text) => store.find({ names: [text] }, FIRST_PAGE),
  'found fingerprints': (store, text) => store.find({ fingerprints: [text] }, FIRST_PAGE),
  'found causes': (store, text) => store.find({ causes: [text] }, FIRST_PAGE),
  'found error text': (store, text) => store.find({ errorText: text }, FIRST_PAGE),
  'found comparison': (store, text) => store.find({ priority: { is: text as '=', value: 1 } }, FIRST_PAGE),
  'found path': (store, text) => store.find({ data: [{ path: [text, text], value: '1' }] }, FIRST_PAGE),
  'found value': (store, text) => store.find({ data: [{ path: ['n'], value: text }] }, FIRST_PAGE),
  'operation id': operating((text) => ({ id: text })),
  'operation reason': operating((text) => ({ id: `r${text.length}`, reason: text })),
  'operation kind': operating((text) => ({ kind: text as 'cancel' })),
  'operation to queue': operating((text) => ({ id: `t${text.length}`, kind: 'redrive', toQueue: text })),
  'operation ids': operating((text) => ({ id: `i${text.length}`, filter: { ids: [text] } })),
  'operation names': operating((text) => ({ id: `n${text.length}`, filter: { names: [text] } })),
  'operation error text': operating((text) => ({ id: `e${text.length}`, filter: { errorText: text } })),
};

/** Jobs in every shape that must look the same before and after. */
async function setCanary(store: Store): Promise<void> {
  const queue = 'canary';
  await finish(store, failed('canary'), { id: 'failed', queue, name: 'bird' });
  await add(store, { id: 'active', queue, name: 'bird' });
  await claimOne(store, { queue, worker: 'canary', leaseMs: 43_200_000 });
  await add(store, { id: 'safe', queue, name: 'bird', policy: { deadLetterQueue: 'kept' } });
  await moveOk(store, { op: 'log', job: at('safe', queue), lines: ['tweet'] });
}

async function canaryOf(store: Store): Promise<string[]> {
  const lines: string[] = [];
  for await (const { key, value } of store.dump())
    if (key.includes('"canary"')) lines.push(`${key} ${value}`);
  return lines;
}

/** Every text in every slot: it is taken as text or refused by name, and nothing else is touched. */
async function attack(store: Store, slots: Readonly<Record<string, Slot>>): Promise<void> {
  await setCanary(store);
  const before = await canaryOf(store);
  assert.ok(before.length >= 6);
  for (const [where, slot] of Object.entries(slots)) {
    for (const text of CORPUS) {
      const error = await slot(store, text).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      const what = `${where}: ${JSON.stringify(text.slice(0, 40))}`;
      assert.ok(error === null || error instanceof MillraceError, `${what} threw ${String(error)}`);
    }
    assert.deepEqual(await canaryOf(store), before, `${where} touched other jobs`);
  }
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  assert.deepEqual(await store.verify(), []);
}

export const injectionCases: Topic = (guarantee) => {
  guarantee('no text in a new job is more than text', ({ store }) => attack(store, ADD));
  guarantee('no text in an effect is more than text', ({ store }) => attack(store, EFFECTS));
  guarantee('no text that a worker gives is more than text', ({ store }) => attack(store, WORK));
  guarantee('no text in a search or a bulk action is more than text', ({ store }) => attack(store, SEARCHES));

  guarantee('ids and names of any look come back as they were and find their own job', async ({ store }) => {
    const taken: string[] = [];
    for (const text of CORPUS) {
      const [result] = await store
        .apply([
          {
            op: 'add',
            jobs: [newJob({ id: text, name: text, headers: Object.fromEntries([[text, text]]) })],
          },
        ])
        .catch(() => []);
      if (result?.op === 'add') taken.push(text);
    }
    assert.ok(taken.length > 25);
    for (const text of taken) {
      const job = await jobOf(store, text);
      assert.deepEqual([job.id, job.name, Object.entries(job.headers)], [text, text, [[text, text]]]);
      assert.deepEqual((await store.find({ ids: [text] }, FIRST_PAGE)).jobs.length, 1);
      assert.deepEqual((await store.find({ names: [text] }, FIRST_PAGE)).jobs.length, 1);
    }
  });

  guarantee('queues may be called like parts of the language', async ({ store }) => {
    const names = [
      'constructor',
      'toString',
      'hasOwnProperty',
      'valueOf',
      'null',
      '0',
      'x.__proto__',
      'jobs',
    ];
    await add(store, ...names.map((queue) => ({ queue })));

    assert.deepEqual(
      (await store.queues()).map((each) => each.queue),
      names.toSorted(),
    );
    for (const queue of names) {
      const { lease } = await claimOne(store, { queue });
      assert.equal((await settleOk(store, lease)).state, 'completed');
    }
  });

  guarantee(
    'pairs of queue and id that read alike when written together are different jobs',
    async ({ store }) => {
      const pairs = [
        ['a', 'b:c'],
        ['a.b', 'c'],
        ['a', 'b.c'],
        ['a-b', 'c'],
        ['a', 'b-c'],
        ['a_b', 'c'],
        ['a', 'b_c'],
        ['a1', '2'],
        ['a', '12'],
        ['a', 'b","c'],
        ['a', 'b'],
        ['a', 'b '],
      ] as const;
      for (const [queue, id] of pairs) await add(store, { queue, id, name: `${queue}|${id}` });

      for (const [queue, id] of pairs) {
        assert.equal((await jobOf(store, id, queue)).name, `${queue}|${id}`);
        await moveOk(store, { op: 'log', job: at(id, queue), lines: [`${queue}|${id}`] });
      }
      for (const [queue, id] of pairs) {
        assert.deepEqual(
          (await store.logs(at(id, queue), 0, 10)).map((line) => line.text),
          [`${queue}|${id}`],
        );
      }
    },
  );

  guarantee(
    'ids of jobs, claims, requests, sessions and operations do not get into each other’s way',
    async ({ store }) => {
      const id = 'same';
      await store.apply([{ op: 'add', jobs: [newJob({ id })] }], { requestId: id });
      await store.beat([session({ id })]);
      const operation = {
        id,
        kind: 'promote',
        filter: {},
        toQueue: null,
        ratePerSecond: null,
        reason: '',
      } as const;
      await applyOne(store, { op: 'start-operation', operation });
      const [answer] = await store.claim([claimRequest({ claimId: id, worker: id })]);

      assert.equal(answer?.jobs[0]?.job.id, id);
      assert.equal((await store.operations())[0]?.id, id);
      assert.equal(await store.endSession(id), 1);
    },
  );
};
