import { postgresStore } from 'millrace/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Claimed, ClaimRequest, Effect, Settlement, Store } from '../../src/store/store.ts';
import { administer, noServer } from './postgres-server.ts';
import { Pair } from './postgres-standby.ts';

const POLICY = {
  ...{ attempts: 3, backoff: null, retryForMs: null, timeoutMs: null, ttlMs: null, deadLetterQueue: null },
  ...{ keepCompletedMs: null, keepFailedMs: null },
};
const WAITING = "from pg_stat_activity where application_name = 'waiting' and wait_event = 'SyncRep'";
const CANCEL = `select pg_cancel_backend(pid) ${WAITING}`;
const TERMINATE = `select pg_terminate_backend(pid) ${WAITING}`;

function addOf(id: string): Effect {
  const job = {
    queue: 'q',
    id,
    name: 'mail',
    body: Buffer.from('{}'),
    contentType: 'application/json',
    headers: {},
  };
  return { op: 'add', jobs: [{ ...job, policy: POLICY, priority: 0, lifo: false, delayMs: 0 }] };
}

let claims = 0;
function claimOf(): ClaimRequest {
  claims += 1;
  return { claimId: `c-${claims}`, queue: 'q', limit: 1, worker: 'w', leaseMs: 600_000, quarantine: false };
}

async function claimOne(store: Store): Promise<Claimed> {
  const claimed = (await store.claim([claimOf()]))[0]?.jobs[0];
  if (claimed === undefined) throw new Error('there was nothing to claim');
  return claimed;
}

const UNKNOWN = 'MILLRACE_STORE_UNAVAILABLE';

describe.skipIf(noServer)('a PostgreSQL that gave up waiting for its standby', () => {
  let pair: Pair;
  const stores: Store[] = [];

  beforeAll(async () => {
    pair = await Pair.start(true);
  }, 60_000);

  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await pair?.stop();
  });

  async function open(options: string): Promise<Store> {
    const url = `${pair.primary.url}?schema=s${stores.length}&application_name=waiting&options=${encodeURIComponent(options)}`;
    const store = postgresStore({ connectionString: url });
    stores.push(store);
    await store.apply([addOf('first'), { op: 'configure', queue: 'q', patch: {} }]);
    return store;
  }

  /** Somebody ends its wait, and the call is not taken for done. */
  async function givenUp<T>(call: Promise<T>, ending: string): Promise<void> {
    const refused = expect(call).rejects.toMatchObject({ code: UNKNOWN });
    let isOver = false;
    const over = refused.finally(() => {
      isOver = true;
    });
    await administer(pair.primary.url, async (client) => {
      while (!isOver) {
        await client.query(ending);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    await over;
  }

  for (const [how, options, ending] of [
    ['is cancelled', '', CANCEL],
    ['is cancelled, where nobody wants to hear of warnings', '-c client_min_messages=error', CANCEL],
    ['ends with its connection', '', TERMINATE],
  ] as const) {
    it(`acknowledges nothing whose wait ${how}, however often it is repeated, until the standby has it`, async () => {
      const store = await open(options);
      const { lease } = await claimOne(store);
      const settlements: Settlement[] = [{ lease, next: { to: 'completed', result: null }, mode: 'strict' }];
      const job = { queue: 'q', id: 'a' };
      const calls = [
        () => store.apply([addOf('a')], { requestId: 'add' }),
        () => store.apply([{ op: 'discard', job }], { requestId: 'discard' }),
        () => store.commit(settlements, []),
      ];
      await pair.deafen();
      try {
        for (const call of calls) {
          await givenUp<unknown>(call(), ending);
          await givenUp<unknown>(call(), ending);
        }
      } finally {
        await pair.hear();
      }

      expect(await calls[0]?.()).toEqual([{ op: 'add', jobs: [{ id: 'a', outcome: 'created' }] }]);
      expect(await calls[1]?.()).toEqual([{ op: 'discard', outcome: 'ok' }]);
      expect(await calls[2]?.()).toMatchObject({ settled: [{ outcome: 'ok', state: 'completed' }] });
      expect(await store.verify()).toEqual([]);
    }, 60_000);
  }
});

describe.skipIf(noServer)('a standby that never heard of any claim and takes over', () => {
  it('gives no token that was given before, and refuses the worker of the lost claim', async () => {
    const pair = await Pair.start(false);
    const store = postgresStore({ connectionString: pair.url });
    try {
      await store.apply([addOf('a')]);
      await pair.copied();
      await pair.deafen();
      const lost = await claimOne(store);
      await pair.failOver();
      const next = await again(() => claimOne(store));

      expect(next.job.id).toBe('a');
      expect(next.lease.token).toBeGreaterThan(lost.lease.token);
      const late = { lease: lost.lease, next: { to: 'completed', result: null }, mode: 'lenient' } as const;
      expect((await store.commit([late], [])).settled).toMatchObject([{ outcome: 'superseded' }]);
    } finally {
      await store.close();
      await pair.stop();
    }
  }, 60_000);
});

/** Its connections were cut, and it finds out one by one. */
async function again<T>(call: () => Promise<T>): Promise<T> {
  for (let turn = 0; ; turn += 1) {
    try {
      return await call();
    } catch (error) {
      if (turn === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
