/** What the bench on PostgreSQL counts and draws: `node --test bench/harness/postgres/postgres.test.mjs`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heldPicture } from './held-picture.mjs';
import { serverCpuSeconds } from './meter.mjs';
import { databaseOf } from './server.mjs';
import { readerOf } from './trips.mjs';

function messageOf(type, content) {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, Buffer.from(content)]);
}

test('messages are counted by their type, however they are cut', () => {
  const stream = Buffer.concat([messageOf('C', 'SELECT 1\0'), messageOf('D', 'ZZZZ'), messageOf('Z', 'I')]);
  for (let size = 1; size <= stream.length; size += 1) {
    const types = [];
    const read = readerOf((type) => types.push(String.fromCharCode(type)));
    for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size));
    assert.deepEqual(types, ['C', 'D', 'Z'], `cut by ${size}`);
  }
});

test('the processor time of a process that is not there is not known', () => {
  assert.ok(Number.isNaN(serverCpuSeconds(2 ** 30)));
});

test('each folder has a database of its own, of a name that needs no quotes', () => {
  assert.match(databaseOf('/tmp/one'), /^bench_[0-9a-f]{16}$/);
  assert.notEqual(databaseOf('/tmp/one'), databaseOf('/tmp/other'));
});

test('the picture has a curve for everybody who was measured, and none of a rate that is not a number', () => {
  const answers = [{ before: [1000, 900], held: [500, 0] }];
  const series = { millrace: answers, 'graphile-best': answers, pgboss: [] };
  const titles = { millrace: 'Millrace', 'graphile-best': 'graphile-worker', pgboss: 'pg-boss' };
  const picture = heldPicture({ series, size: { usualSeconds: 2, heldSeconds: 2 } }, titles);
  assert.equal(picture.match(/<polyline /g).length, 2);
  assert.ok(!/NaN|Infinity|undefined/.test(picture));
});
