/** The Redis store and BullMQ, on the same two servers: one that writes nothing to disk, one that flushes every write. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS } from '../../peers/redis/settings.mjs';
import { root } from '../paths.mjs';
import { ownVersion, versionOf } from '../peers.mjs';
import { ALWAYS, startRedis } from '../redis.mjs';
import { databaseOf } from './database.mjs';

/** In the order of the table's columns. */
const TITLES = { millrace: 'Millrace', bullmq: 'BullMQ' };

const onNode = (version) => ({ version, runtime: process.execPath, context: {} });

const MAKERS = {
  millrace: async () => onNode(`${ownVersion()}, ioredis of the repository`),
  bullmq: async () => onNode(`${versionOf('bullmq')}, ioredis ${versionOf('ioredis')}`),
};

async function startIn(folder, name, persistence) {
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  return startRedis(own, persistence);
}

/** The client is a package of the bench: there may be none while this file is loaded. */
async function empty({ port }, folder) {
  const { Redis } = await import('ioredis');
  const client = new Redis({ host: '127.0.0.1', port, db: databaseOf(folder) });
  await client.flushdb('SYNC');
  await client.quit();
}

async function start(folder) {
  const memory = await startIn(folder, 'redis-memory');
  const always = await startIn(folder, 'redis-always', ALWAYS);
  const servers = [memory, always];
  const settings = 'on the loopback; without persistence, and `appendonly yes`, `appendfsync always`';
  return {
    context: { servers: { memory: memory.port, always: always.port } },
    facts: { server: [['Redis', `${memory.version} ${settings}`]] },
    discard: async (own) => {
      for (const server of servers) await empty(server, own);
    },
    stop: async () => {
      for (const server of servers) await server.stop();
    },
  };
}

export const redis = {
  ...{ title: 'Benchmarks on Redis', within: 'redis/', start, section: () => '' },
  order: [
    ...[
      'add',
      'add-bulk',
      'drain',
      'mixed',
      'latency',
      'cost',
      'memory',
      'connections',
      'backlog',
      'masters',
    ],
  ],
  peers: { makers: MAKERS, titles: TITLES, settings: SETTINGS },
  longestMs: 45 * 60_000,
  page: join(root, 'docs', 'benchmarks-redis.md'),
  results: join(root, 'bench', 'results-redis.json'),
};
