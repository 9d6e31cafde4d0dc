import assert from 'node:assert/strict';
import type { Bytes } from '../../job/record.ts';
import { seededRandom } from '../../runtime/random.ts';
import type { Topic } from './scene.ts';
import { add, assertBytes, at, claimOne, FIRST_PAGE, jobOf, moveOk, settleOk, utf8 } from './support.ts';

const random = seededRandom(42);
const DEEP = 5_000;

/** Bodies that something along the way might parse, escape, cut off or count wrongly. */
const BODIES: Readonly<Record<string, Bytes>> = {
  empty: new Uint8Array(),
  nul: Uint8Array.of(0),
  'nul inside': utf8('a\0b'),
  'every byte': Uint8Array.from({ length: 256 }, (_, n) => n),
  'no UTF-8': Uint8Array.of(0xc3, 0x28, 0xed, 0xa0, 0x80, 0xff, 0xfe),
  'byte order mark': Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d),
  'line ends': utf8('\r\n\n\r\u2028'),
  quotes: utf8(`'"\`\\$\{x}%s--;`),
  'numbers that lose by parsing': utf8('{"a":9007199254740993,"b":1e400,"c":-0,"d":0.10,"a":1}'),
  'escapes that lose by parsing': utf8('{"a":"\\u0000\\ud800","__proto__":{"x":1}}'),
  'deep JSON': utf8('['.repeat(DEEP) + ']'.repeat(DEEP)),
  'a part of a larger buffer': Uint8Array.from({ length: 64 }, (_, n) => n).subarray(10, 20),
  'a Node buffer': Buffer.from('buffer'),
  'random bytes': random.bytes(5_000),
  'one MiB': random.bytes(1024 * 1024),
};

export const bytesCases: Topic = (guarantee) => {
  guarantee('a body comes back byte for byte, whatever is in it', async ({ store }) => {
    for (const [id, body] of Object.entries(BODIES)) {
      await add(store, { id, body });

      const { job, lease } = await claimOne(store);

      assert.equal(job.id, id);
      assertBytes(job.body, body);
      assertBytes((await jobOf(store, id)).body, body);
      const page = await store.find({ ids: [id] }, FIRST_PAGE);
      assertBytes(page.jobs[0]?.body ?? null, body);
      await settleOk(store, lease);
    }
  });

  guarantee('results, progress and changed data come back byte for byte', async ({ store }) => {
    for (const [id, bytes] of Object.entries(BODIES)) {
      await add(store, { id });
      const { lease } = await claimOne(store);
      await moveOk(store, { op: 'progress', job: lease, value: bytes });
      await moveOk(store, { op: 'data', job: lease, body: bytes, contentType: 'x/y' });
      const job = await settleOk(store, lease, { to: 'completed', result: bytes });

      assertBytes(job.progress, bytes);
      assertBytes(job.body, bytes);
      assertBytes(job.result, bytes);
    }
  });

  guarantee('a body is the same after the job moved, ran again and was looked for', async ({ store }) => {
    const body = BODIES['every byte'] ?? new Uint8Array();
    await add(store, { body });
    await moveOk(store, { op: 'redrive', job: at('a'), toQueue: 'second' });
    await store.find({ data: [{ path: ['x'], value: '1' }] }, FIRST_PAGE);

    assertBytes((await claimOne(store, { queue: 'second' })).job.body, body);
  });

  guarantee('a search in bodies survives bodies that are no JSON', async ({ store }) => {
    for (const [id, body] of Object.entries(BODIES)) await add(store, { id, body });
    await add(store, { id: 'wanted', body: utf8('{"k":"v"}') });

    const page = await store.find({ data: [{ path: ['k'], value: 'v' }] }, FIRST_PAGE);

    assert.deepEqual(
      page.jobs.map((job) => job.id),
      ['wanted'],
    );
  });

  guarantee(
    'bodies are the same after the store was opened again',
    async (scene) => {
      for (const [id, body] of Object.entries(BODIES)) await add(scene.store, { id, body });
      await scene.store.close();

      const store = await scene.reopen();

      for (const [id, body] of Object.entries(BODIES)) assertBytes((await jobOf(store, id)).body, body);
    },
    'reopen',
  );
};
