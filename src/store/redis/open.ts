import { EnvironmentError } from '../../errors.ts';
import type { RedisPlace } from '../redis-options.ts';
import type { Durability } from '../store.ts';
import type { RedisLink } from './driver.ts';
import type { Engine } from './engine.ts';
import { type Arg, listOf, numberOf, textOf } from './reply.ts';

/** What the server says of itself; settings are read back, not assumed. */
export interface Facts {
  readonly product: 'Redis' | 'Valkey';
  /** As `70015` for 7.0.15. Of Valkey, what of Redis it stands for. */
  readonly version: number;
  readonly release: string;
  readonly isReplica: boolean;
  readonly replicas: number;
  readonly appendonly: boolean;
  /** Null: the server does not say. */
  readonly appendfsync: string | null;
  readonly policy: string;
  readonly maxMemory: number;
  readonly usedMemory: number;
  /** Of the last write to the log of writes, and of the last snapshot. */
  readonly isWriting: boolean;
  /** Epoch milliseconds by the clock of the server. */
  readonly nowMs: number;
}

const OLDEST = 60_200;
const SETTINGS = ['appendfsync', 'maxmemory-policy', 'appendonly'] as const;

export async function readFacts(link: Pick<RedisLink, 'call'>): Promise<Facts> {
  const [info, given, time] = await Promise.all([
    link.call('info', []).then((reply) => fieldsOf(textOf(reply))),
    settingsOf(link),
    link.call('time', []),
  ]);
  const [seconds, micros] = listOf(time);
  const at = (name: string): string => info.get(name) ?? '';
  const release = at('valkey_version') || at('redis_version');
  return {
    product: info.has('valkey_version') ? 'Valkey' : 'Redis',
    version: versionOf(at('redis_version')),
    release,
    isReplica: at('role') === 'slave',
    replicas: Number(at('connected_slaves')),
    appendonly: (given.get('appendonly') ?? (at('aof_enabled') === '1' ? 'yes' : 'no')) === 'yes',
    appendfsync: given.get('appendfsync') ?? null,
    policy: given.get('maxmemory-policy') ?? at('maxmemory_policy'),
    maxMemory: Number(at('maxmemory')),
    usedMemory: Number(at('used_memory')),
    isWriting: at('aof_last_write_status') !== 'err' && at('rdb_last_bgsave_status') !== 'err',
    nowMs: numberOf(seconds) * 1_000 + Math.floor(numberOf(micros) / 1_000),
  };
}

function fieldsOf(info: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of info.split('\r\n')) {
    const at = line.indexOf(':');
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1));
  }
  return fields;
}

/** Read anew each time: settings change, and the server at the same address may be another one. */
export function factsNow(engine: Engine): Promise<Facts> {
  return readFacts({ call: (command, args) => engine.call(command, ...args) });
}

/** Hosts of servers for many often forbid the question; then what `INFO` says must do. */
async function settingsOf(link: Pick<RedisLink, 'call'>): Promise<Map<string, string>> {
  const settings = new Map<string, string>();
  const ask = async (name: Arg): Promise<void> => {
    const words = listOf(await link.call('config', ['get', name]));
    if (words.length === 2) settings.set(textOf(words[0]), textOf(words[1]));
  };
  await Promise.allSettled(SETTINGS.map(ask));
  return settings;
}

function versionOf(release: string): number {
  const [major = 0, minor = 0, patch = 0] = release.split('.').map(Number);
  return major * 10_000 + minor * 100 + patch;
}

/** @throws EnvironmentError when the server is too old, throws jobs away, or keeps less safe than was demanded. */
export function checkFacts(facts: Facts, place: RedisPlace): void {
  const { url, durability } = place;
  const { product, release, policy } = facts;
  if (facts.version < OLDEST) {
    throw new EnvironmentError(
      `the server at ${url} is ${product} ${release}; Redis 6.2 or later is needed. Update the server.`,
    );
  }
  if (evicts(facts)) {
    throw new EnvironmentError(
      `the server at ${url} has \`maxmemory-policy ${policy}\`: it would throw jobs away when its memory is full. Set it ` +
        'to `noeviction` (`CONFIG SET maxmemory-policy noeviction`, and in redis.conf), or use another server.',
    );
  }
  if (durability !== null && durability !== undefined) demand(facts, place);
}

/** Also those that go by times: what a call was answered has one, and without it a repeated call is done twice. */
function evicts({ policy }: Facts): boolean {
  return policy !== '' && policy !== 'noeviction';
}

const ORDER = ['memory', 'os', 'disk', 'replicated'];

function demand(facts: Facts, place: RedisPlace): void {
  const { durability: wanted, url } = place;
  const { level, detail } = durabilityOf(facts, place);
  if (ORDER.indexOf(level) >= ORDER.indexOf(wanted ?? 'memory')) return;
  throw new EnvironmentError(
    `durability "${wanted}" is demanded, and the server at ${url} gives "${level}": ${detail}. ` +
      `${lacking(wanted ?? 'os', place)} Or demand less.`,
  );
}

function lacking(wanted: string, { replicas }: RedisPlace): string {
  if (wanted === 'replicated') return `Connect ${replicas} replica${replicas === 1 ? '' : 's'} to it.`;
  const fsync = wanted === 'disk' ? 'always' : 'always (or no)';
  return `Set \`appendonly\` to yes and \`appendfsync\` to ${fsync}.`;
}

export function durabilityOf(facts: Facts, place: RedisPlace): Durability {
  const { product, release, appendonly, appendfsync, policy, replicas } = facts;
  const settings =
    `${product} ${release}, appendonly ${appendonly ? 'yes' : 'no'}, appendfsync ${appendfsync ?? 'not told'}, ` +
    `maxmemory-policy ${policy}, ${replicas} replica${replicas === 1 ? '' : 's'}`;
  const { level, meaning } = verdictOf(facts, place);
  return { level, detail: `${settings}: ${meaning}` };
}

interface Verdict {
  readonly level: Durability['level'];
  readonly meaning: string;
}

function verdictOf({ appendonly, appendfsync, replicas }: Facts, place: RedisPlace): Verdict {
  if (place.durability === 'replicated' && replicas >= place.replicas) {
    const meaning =
      'each write is acknowledged after as many replicas have it as were asked for, and is lost with a failover only ' +
      'if another replica is promoted, or the primary was cut off and went on alone';
    return { level: 'replicated', meaning };
  }
  if (!appendonly) {
    return {
      level: 'memory',
      meaning: 'what was written since the last snapshot is lost when the server ends',
    };
  }
  switch (appendfsync) {
    case 'always':
      return { level: 'disk', meaning: 'a write is acknowledged after it is on the disk' };
    case 'no':
      return { level: 'os', meaning: 'a crash of the server loses nothing, a power cut up to half a minute' };
    case 'everysec':
      return {
        level: 'memory',
        meaning:
          'a power cut loses about a second; while the disk is slow, even a crash of the server loses up to two',
      };
    default:
      return {
        level: 'memory',
        meaning: 'the server does not say when it flushes (CONFIG GET is not allowed), so nothing is certain',
      };
  }
}
