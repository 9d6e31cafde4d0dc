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

/** What queues that have each their own master cannot say of one another. */
const NUMBERS = 'each queue numbers its jobs and its leases for itself';
const TIES = `${NUMBERS}, so of jobs that were added to several queues in one millisecond none is the older one`;
const SPREAD: Readonly<Record<string, string>> = {
  'tokens rise from claim to claim over all queues, in the order of the jobs': NUMBERS,
  'a dead letter runs in its new queue like any other job': `${NUMBERS}, and one that moves keeps its old number`,
  'jobs are found by queue, state, id, name and priority': TIES,
  'jobs are found by what went wrong': TIES,
  'a dump tells stores apart that differ in anything': `${NUMBERS}; the case names a lease by its number`,
  'upkeep makes due jobs of all queues ready, by the time they were due':
    'upkeep goes from queue to queue with what is left of its budget',
  'a job that could not be moved counts towards the rate, too':
    'whether a job can be moved is known after the step in which it leaves, and counted then',
};

function describeRedis(name: string, url: () => string, spread?: 'queue'): void {
  const used: string[] = [];
  afterAll(() => dropNamespaces(url(), used));
  const namespace = (): string => used.at(-1) ?? '';

  const more = spread === undefined ? {} : { spread };
  describeStore(
    {
      name,
      ...(spread !== undefined && { exempt: SPREAD }),
      open: async (clock) => {
        used.push(nextNamespace());
        return redisStore({ redis: url(), namespace: namespace(), clock, ...more });
      },
      reopen: async (clock) => redisStore({ redis: url(), namespace: namespace(), clock, ...more }),
    },
    { describe, it },
  );
}

if (noRedis) describe.skip('Redis', () => it('has no server here', () => {}));
else describe('alone', () => describeRedis('Redis', redisUrl));
if (noRedisCluster) describe.skip('Redis Cluster', () => it('has no cluster here', () => {}));
else describe('in a cluster', () => describeRedis('Redis Cluster', redisClusterUrl));
if (noRedisCluster) describe.skip('Redis Cluster, spread', () => it('has no cluster here', () => {}));
else
  describe('spread over a cluster', () => describeRedis('Redis Cluster, spread', redisClusterUrl, 'queue'));
