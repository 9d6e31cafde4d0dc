import { describe, expect, test } from 'vitest';
import { EnvironmentError } from '../../errors.ts';
import { redisPlace } from '../redis-options.ts';
import { checkFacts, durabilityOf, type Facts, readFacts } from './open.ts';
import type { Arg, Reply } from './reply.ts';

const FACTS: Facts = {
  ...{ product: 'Redis', version: 70_015, release: '7.0.15', isReplica: false, replicas: 0 },
  ...{ appendonly: true, appendfsync: 'always', policy: 'noeviction', maxMemory: 0, usedMemory: 0 },
  ...{ isWriting: true, nowMs: 0 },
};
const place = (more: object = {}): ReturnType<typeof redisPlace> =>
  redisPlace({ redis: 'redis://db', ...more });

describe('durability is computed from what the server says', () => {
  test.each<[Partial<Facts>, object, string, RegExp]>([
    [{}, {}, 'disk', /after it is on the disk/],
    [{ appendfsync: 'no' }, {}, 'os', /power cut up to half a minute/],
    [{ appendfsync: 'everysec' }, {}, 'memory', /even a crash of the server/],
    [{ appendfsync: null }, {}, 'memory', /CONFIG GET is not allowed/],
    [{ appendonly: false }, {}, 'memory', /since the last snapshot/],
    [{ replicas: 2, appendonly: false }, {}, 'memory', /2 replicas/],
    [{ replicas: 2, appendonly: false }, { durability: 'replicated', replicas: 2 }, 'replicated', /promoted/],
    [{ replicas: 1 }, { durability: 'replicated', replicas: 2 }, 'disk', /1 replica:/],
  ])('%j with %j', (facts, options, level, detail) => {
    const told = durabilityOf({ ...FACTS, ...facts }, place(options));

    expect(told.level).toBe(level);
    expect(told.detail).toMatch(detail);
  });
});

describe('a server is refused', () => {
  test.each<[string, Partial<Facts>, object, RegExp]>([
    ['that is too old', { version: 60_099, release: '6.0.99' }, {}, /6\.2 or later/],
    ['that evicts', { policy: 'allkeys-lru' }, {}, /maxmemory-policy allkeys-lru/],
    ['that keeps less safe than demanded', { appendfsync: 'no' }, { durability: 'disk' }, /to always/],
    ['without the replicas that are demanded', {}, { durability: 'replicated' }, /Connect 1 replica/],
  ])('%s', (_, facts, options, message) => {
    expect(() => checkFacts({ ...FACTS, ...facts }, place(options))).toThrow(EnvironmentError);
    expect(() => checkFacts({ ...FACTS, ...facts }, place(options))).toThrow(message);
  });

  test('and one that gives what is demanded is not', () => {
    expect(() => checkFacts(FACTS, place({ durability: 'disk' }))).not.toThrow();
  });
});

test('Valkey is known by its own name, and what CONFIG does not tell INFO does', async () => {
  const info = [
    'redis_version:7.2.4',
    'valkey_version:8.0.1',
    'role:master',
    'connected_slaves:1',
    'aof_enabled:1',
    'maxmemory_policy:noeviction',
  ].join('\r\n');
  const call = async (command: string, _args: readonly Arg[]): Promise<Reply> => {
    if (command === 'info') return Buffer.from(info);
    if (command === 'time') return [Buffer.from('1700000000'), Buffer.from('250999')];
    throw new Error('NOPERM');
  };

  expect(await readFacts({ call })).toMatchObject({
    ...{ product: 'Valkey', release: '8.0.1', version: 70_204, isReplica: false, replicas: 1 },
    ...{ appendonly: true, appendfsync: null, policy: 'noeviction', nowMs: 1_700_000_000_250 },
  });
});
