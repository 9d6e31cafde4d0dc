/** What the user of the connection must be allowed; see docs/reference/redis.md. */

/** By the driver and by us, as commands of their own. */
const BY_US = 'hello auth client|setname select ping info time wait evalsha eval subscribe scan config|get';
/** The driver asks a cluster where its slots are. */
const BY_CLUSTERS = 'cluster|slots cluster|info asking readonly readwrite';
/** Within scripts, on keys that begin with our prefix. `acl.test.ts` compares them with the scripts. */
const BY_SCRIPTS =
  'del exists get getdel hdel hexists hget hgetall hincrby hkeys hlen hmget hscan hset hsetnx hvals lindex llen lpop lpush ' +
  'lrange lrem lset ltrim pexpire publish rename rpop rpush sadd scard set sismember smembers srem strlen unlink xadd xdel ' +
  'xlen xrange xrevrange xtrim zadd zcard zcount zpopmin zrange zrangebyscore zrem zremrangebyrank zremrangebyscore ' +
  'zrevrange zrevrangebyscore zscore';

export const COMMANDS: ReadonlySet<string> = new Set(`${BY_US} ${BY_CLUSTERS} ${BY_SCRIPTS}`.split(' '));

/** The rules of `ACL SETUSER`, without name and password. Queues that spread have prefixes of their own beside `prefix`. */
export function aclOf(prefix: string, spread: 'queue' | null = null): string {
  const cells = spread === null ? '' : `~${prefix.slice(0, -2)}/* `;
  return `~${prefix}* ${cells}&${prefix}* -@all ${[...COMMANDS].map((name) => `+${name}`).join(' ')}`;
}
