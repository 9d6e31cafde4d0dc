import assert from 'node:assert/strict';
import type { Topic } from './scene.ts';
import { add, at, configure, newJob } from './support.ts';

export const auditCases: Topic = (guarantee) => {
  guarantee(
    'what a person did is on record, one row an effect, the newest first',
    async ({ store, clock }) => {
      await store.apply([{ op: 'add', jobs: [newJob()] }], { actor: 'ada' });
      const first = clock.now();
      await clock.advance(1_000);
      await store.apply(
        [
          { op: 'cancel', job: at('a'), reason: 'wrong address' },
          { op: 'configure', queue: 'orders', patch: { paused: true } },
        ],
        { actor: 'bob@example.org' },
      );

      const rows = await store.audit(10);

      assert.deepEqual(
        rows.map(({ at: instant, actor, op, queue, id }) => [instant, actor, op, queue, id]),
        [
          [first + 1_000, 'bob@example.org', 'configure', 'orders', ''],
          [first + 1_000, 'bob@example.org', 'cancel', 'orders', 'a'],
          [first, 'ada', 'add', 'orders', 'a'],
        ],
      );
      assert.match(rows[1]?.detail ?? '', /wrong address/);
      assert.equal((await store.audit(1))[0]?.op, 'configure');
    },
  );

  guarantee('what programs do is not on record', async ({ store }) => {
    await add(store);
    await configure(store, { paused: true });

    assert.deepEqual(await store.audit(10), []);
  });

  guarantee('a repeated request is one act', async ({ store }) => {
    const effects = [{ op: 'discard', job: at('none') }] as const;
    await store.apply(effects, { actor: 'ada', requestId: 'r' });
    await store.apply(effects, { actor: 'ada', requestId: 'r' });

    assert.equal((await store.audit(10)).length, 1);
  });

  guarantee('a refused call leaves no record', async ({ store }) => {
    const refused = store.apply([{ op: 'add', jobs: [newJob({ id: '' })] }], { actor: 'ada' });

    await assert.rejects(refused);
    assert.deepEqual(await store.audit(10), []);
  });

  guarantee('payloads never get into the record', async ({ store }) => {
    const body = new TextEncoder().encode('{"password":"hunter2"}');
    await store.apply([{ op: 'add', jobs: [newJob({ body, headers: { secret: 'hunter2' } })] }], {
      actor: 'ada',
    });
    await store.apply([{ op: 'data', job: at('a'), body, contentType: 'x/y' }], { actor: 'ada' });

    assert.doesNotMatch(JSON.stringify(await store.audit(10)), /hunter2/);
  });
};
