import { redisStore } from 'millrace/redis';
import { describeStore } from 'millrace/testing';
import { afterAll, describe, it } from 'vitest';
import {
  dropNamespaces,
  nextNamespace,
  noRedis,
  noRedisCluster,
  redisClusterUrl,
  redisUrl,
} from '../support/redis.ts';

function describeRedis(name: string, url: () => string): void {
  const used: string[] = [];
  afterAll(() => dropNamespaces(url(), used));
  const namespace = (): string => used.at(-1) ?? '';

  describeStore(
    {
      name,
      open: async (clock) => {
        used.push(nextNamespace());
        return redisStore({ redis: url(), namespace: namespace(), clock });
      },
      reopen: async (clock) => redisStore({ redis: url(), namespace: namespace(), clock }),
    },
    { describe, it },
  );
}

if (noRedis) describe.skip('Redis', () => it('has no server here', () => {}));
else describe('alone', () => describeRedis('Redis', redisUrl));
if (noRedisCluster) describe.skip('Redis Cluster', () => it('has no cluster here', () => {}));
else describe('in a cluster', () => describeRedis('Redis Cluster', redisClusterUrl));
