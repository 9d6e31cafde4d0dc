/**
 * The Redis that `npm test` provides, or `node scripts/redis.mjs --cluster npx vitest …`, or `REDIS_URL` and
 * `REDIS_CLUSTER_URL` name: one server, and a cluster of three masters.
 */

import { Cluster, Redis } from 'ioredis';

const url = process.env['REDIS_URL'] || null;
const clusterUrl = process.env['REDIS_CLUSTER_URL'] || null;

const isCi = process.env['CI'] === 'true';
/** Said once, loudly: what does not run proves nothing. Where CI runs, the tests run all the same, and fail. */
export const noRedis: boolean = url === null && !isCi;
export const noRedisCluster: boolean = clusterUrl === null && !isCi;
if (noRedis || noRedisCluster) {
  const missing = noRedis ? 'REDIS_URL' : 'REDIS_CLUSTER_URL';
  process.stderr.write(
    `\nThere is no ${missing}: its tests are SKIPPED (node scripts/redis.mjs --cluster npx vitest …)\n`,
  );
}

export function redisUrl(): string {
  if (url === null) throw new Error('there is no Redis: REDIS_URL is not set');
  return url;
}

export function redisClusterUrl(): string {
  if (clusterUrl === null) throw new Error('there is no Redis Cluster: REDIS_CLUSTER_URL is not set');
  return clusterUrl;
}

let namespaces = 0;

/** A namespace that no other test uses. */
export function nextNamespace(): string {
  namespaces += 1;
  return `millrace-test-${process.pid}-${namespaces}`;
}

/** Every key of these namespaces, on every master. */
export async function dropNamespaces(where: string, names: Iterable<string>): Promise<void> {
  const hosts = where.replace(/^redis:\/\//, '').split(',');
  const client = hosts.length > 1 ? new Cluster(hosts.map((host) => `redis://${host}`)) : new Redis(where);
  try {
    if (client instanceof Cluster) await client.ping();
    const prefixes = [...names].flatMap((name) => [`{${name}}:`, `{${name}/`]);
    for (const node of client instanceof Cluster ? client.nodes('master') : [client]) {
      for await (const keys of node.scanStream({ match: '{millrace-test-*', count: 1_000 })) {
        const ours = (keys as string[]).filter((key) => prefixes.some((prefix) => key.startsWith(prefix)));
        // One by one: in a cluster a command has the keys of one slot.
        await Promise.all(ours.map((key) => node.unlink(key)));
      }
    }
  } finally {
    client.disconnect();
  }
}
