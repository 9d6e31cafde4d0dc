import assert from 'node:assert/strict';
import { MAX_LOG_LINES } from '../../job/limits.ts';
import type { Topic } from './scene.ts';
import {
  add,
  assertBytes,
  at,
  claimOne,
  finish,
  jobOf,
  move,
  moveOk,
  settleOk,
  unchanged,
  utf8,
} from './support.ts';

export const progressLogDataCases: Topic = (guarantee) => {
  guarantee('progress is kept as it was given, the last one counts', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);

    await moveOk(store, { op: 'progress', job: lease, value: utf8('10') });
    await moveOk(store, { op: 'progress', job: lease, value: utf8('{"page":3}') });

    assertBytes((await jobOf(store)).progress, '{"page":3}');
    assert.equal((await jobOf(store)).state, 'active');
  });

  guarantee(
    'without a token anybody may write progress, log and data of a job in any state',
    async ({ store }) => {
      await finish(store);

      await moveOk(store, { op: 'progress', job: at('a'), value: utf8('1') });
      await moveOk(store, { op: 'log', job: at('a'), lines: ['by hand'] });
      await moveOk(store, { op: 'data', job: at('a'), body: utf8('fixed'), contentType: 'text/plain' });

      const job = await jobOf(store);
      assertBytes(job.progress, '1');
      assertBytes(job.body, 'fixed');
      assert.deepEqual([job.contentType, job.state], ['text/plain', 'completed']);
    },
  );

  guarantee('writes to a job that is not there answer gone', async ({ store }) => {
    await unchanged(store, async () => {
      for (const effect of [
        { op: 'progress', job: at('none'), value: utf8('1') },
        { op: 'log', job: at('none'), lines: ['x'] },
        { op: 'data', job: at('none'), body: utf8('x'), contentType: 'text/plain' },
      ] as const) {
        assert.deepEqual(await move(store, effect), { outcome: 'gone' });
      }
    });
  });

  guarantee('changed data is what the next worker gets', async ({ store }) => {
    await add(store, { headers: { h: 1 } });
    await moveOk(store, { op: 'data', job: at('a'), body: Uint8Array.of(0, 255), contentType: 'x/y' });

    const { job } = await claimOne(store);

    assertBytes(job.body, Uint8Array.of(0, 255));
    assert.deepEqual([job.contentType, job.headers], ['x/y', { h: 1 }]);
  });

  guarantee('log lines are numbered from 1 and keep their times', async ({ store, clock }) => {
    await add(store);
    await moveOk(store, { op: 'log', job: at('a'), lines: ['one', 'two'] });
    const first = clock.now();
    await clock.advance(500);
    await moveOk(store, { op: 'log', job: at('a'), lines: ['three'] });

    assert.deepEqual(await store.logs(at('a'), 0, 10), [
      { number: 1, at: first, text: 'one' },
      { number: 2, at: first, text: 'two' },
      { number: 3, at: first + 500, text: 'three' },
    ]);
  });

  guarantee('a log is read on from a number, as many lines as asked for', async ({ store }) => {
    await add(store);
    await moveOk(store, { op: 'log', job: at('a'), lines: ['1', '2', '3', '4', '5'] });

    assert.deepEqual(
      (await store.logs(at('a'), 2, 2)).map((line) => line.number),
      [3, 4],
    );
    assert.deepEqual(await store.logs(at('a'), 5, 10), []);
    assert.deepEqual(await store.logs(at('none'), 0, 10), []);
  });

  guarantee('only the newest thousand lines are kept, and they keep their numbers', async ({ store }) => {
    await add(store);
    const lines = Array.from({ length: MAX_LOG_LINES }, (_, n) => `line ${n + 1}`);
    await moveOk(store, { op: 'log', job: at('a'), lines });
    await moveOk(store, { op: 'log', job: at('a'), lines: ['new 1', 'new 2'] });

    const kept = await store.logs(at('a'), 0, 1_000);

    assert.equal(kept.length, 1_000);
    assert.deepEqual(kept[0]?.number, 3);
    assert.deepEqual(kept.at(-1), { number: 1_002, at: kept[0]?.at, text: 'new 2' });
  });

  guarantee('a log line may be empty, long or in any script', async ({ store }) => {
    await add(store);
    const lines = ['', 'a\nb\tc', '\u001b[31mred', 'x'.repeat(16_384), '😀 \u202e עברית', "'; --"];
    await moveOk(store, { op: 'log', job: at('a'), lines });

    assert.deepEqual(
      (await store.logs(at('a'), 0, 10)).map((line) => line.text),
      lines,
    );
  });

  guarantee('log, progress and data outlive the attempt that wrote them', async ({ store }) => {
    await add(store);
    const { lease } = await claimOne(store);
    await moveOk(store, { op: 'log', job: lease, lines: ['kept'] });
    await moveOk(store, { op: 'progress', job: lease, value: utf8('7') });
    await settleOk(store, lease, { to: 'released', afterMs: 0, why: 'x' });

    const next = await claimOne(store);

    assertBytes(next.job.progress, '7');
    await moveOk(store, { op: 'log', job: next.lease, lines: ['more'] });
    assert.deepEqual(
      (await store.logs(at('a'), 0, 9)).map((line) => line.number),
      [1, 2],
    );
  });
};
