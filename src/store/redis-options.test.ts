import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../errors.ts';
import { type RedisOptions, redisPlace } from './redis-options.ts';

const placeOf = (redis: RedisOptions['redis'], more: object = {}): ReturnType<typeof redisPlace> =>
  redisPlace({ redis, ...more });

describe('a place in Redis', () => {
  test('is named by a URL, whose parameters may be ours or the driver’s', () => {
    const place = placeOf('rediss://ada:s,e@db:6380/1?namespace=shop&durability=disk&family=6');

    expect(place).toMatchObject({
      ...{ prefix: '{shop}:', durability: 'disk', replicas: 1, listen: true, nodes: [] },
      server: 'rediss://ada:s,e@db:6380/1?family=6',
    });
  });

  test('is a cluster when several hosts are named, or one that is said to be of one', () => {
    expect(placeOf('redis://ada:x@one:7000,two:7001').nodes).toEqual([
      'redis://ada:x@one:7000',
      'redis://ada:x@two:7001',
    ]);
    expect(placeOf('redis://one:7000?cluster=true').nodes).toEqual(['redis://one:7000']);
    expect(placeOf(['redis://one:7000', 'redis://two:7001']).nodes).toHaveLength(2);
  });

  test('is written for people without its password', () => {
    expect(placeOf('redis://ada:secret@db:6380/1').url).toBe('redis://db:6380/1');
    expect(placeOf('redis://ada:secret@one:1,two:2', { namespace: 'x' }).url).toBe(
      'redis://one:1,two:2?namespace=x',
    );
    expect(placeOf(['redis://ada:secret@one:1']).url).toBe('redis://one:1');
    expect(placeOf({ host: 'db', password: 'secret' }).url).toBe('redis://db:6379');
  });

  test('options beside the URL come before those in it', () => {
    expect(placeOf('redis://db?namespace=a', { namespace: 'b' }).namespace).toBe('b');
  });

  test.each<[string, RedisOptions['redis'], object, RegExp]>([
    ['another scheme', 'http://db', {}, /redis: must be a URL/],
    ['no nodes', [], {}, /redis: must be the URLs of nodes/],
    ['what no namespace can be', 'redis://db', { namespace: '{a}' }, /namespace: must be/],
    ['a namespace in the URL', 'redis://db?namespace=a:b', {}, /namespace: must be/],
    ['a misspelt option', 'redis://db', { durabilty: 'disk' }, /Did you mean "durability"/],
    ['a misspelt durability', 'redis://db', { durability: 'disc' }, /Did you mean "disk"/],
    ['replicas that are none', 'redis://db?replicas=0', {}, /replicas: must be/],
  ])('with %s is refused', (_, redis, more, message) => {
    expect(() => placeOf(redis, more)).toThrow(InvalidOptionError);
    expect(() => placeOf(redis, more)).toThrow(message);
  });

  test('is never shown with its password in an error', () => {
    expect(() => placeOf('reddis://ada:secret@db')).toThrow(expect.not.stringContaining('secret'));
  });
});
