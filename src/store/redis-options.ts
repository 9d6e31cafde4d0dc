/** How a Redis store is named: by URL, by a client of the application, or by options. Pure; loads no driver. */

import { nameOf } from '../job/check.ts';
import { checkOptions, choice, flag, type Rule, type Rules, whole } from '../job/option-rules.ts';
import type { Durability } from './store.ts';

/** What the store needs of a `Redis` or `Cluster` of ioredis: where it leads to. */
export interface RedisClient {
  /** Connections like this one are made; the client itself is neither used nor closed. */
  duplicate(...args: never[]): unknown;
  readonly status: string;
}

/** Where the jobs are. */
export interface RedisOptions {
  /**
   * `redis://user:password@host:6379/0` (`rediss://` with TLS); several such URLs for nodes of a cluster; options of
   * ioredis (`{ host, port, tls, sentinels, name … }`); or a `Redis` or `Cluster` of ioredis, of which the store makes
   * connections of its own.
   */
  readonly redis: string | readonly string[] | object | RedisClient;
  /** All keys begin with `{namespace}:`. Default `millrace`. */
  readonly namespace?: string;
  /**
   * The least that an acknowledged write must survive. A server that does not give it is refused. `replicated` waits
   * for replicas after each write.
   */
  readonly durability?: Exclude<Durability['level'], 'memory'>;
  /** With `durability: 'replicated'`: how many replicas must have a write before it is acknowledged. Default 1. */
  readonly replicas?: number;
  /**
   * `queue`: in a cluster the queues of the namespace spread over the masters; what crosses queues is then delivered right
   * after the step that it belongs to. Default: all on one master. Kept in the store; opening it otherwise is refused.
   */
  readonly spread?: 'queue';
  /** Listen for news on one connection of its own, so that a job starts at once. Default true. False: look now and then. */
  readonly listen?: boolean;
}

export const DEFAULT_NAMESPACE = 'millrace';

/** Options with their defaults, and the name of the place. */
export interface RedisPlace {
  /** For messages; without password. */
  readonly url: string;
  readonly namespace: string;
  /** All keys begin with it. */
  readonly prefix: string;
  readonly durability: RedisOptions['durability'] | null;
  readonly replicas: number;
  readonly spread: 'queue' | null;
  readonly listen: boolean;
  /** Null: by what follows. */
  readonly client: RedisClient | null;
  /** Empty: one server. */
  readonly nodes: readonly string[];
  /** For the driver: a URL, or options. */
  readonly server: string | Readonly<Record<string, unknown>>;
}

const SUBJECT = 'the Redis connection';
const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const SERVER = /^rediss?:\/\/[^,]+$/i;

const place: Rule = (problems, part, value) => {
  if (typeof value === 'string') {
    // The value may have a password in it.
    if (!/^rediss?:\/\/./i.test(value)) problems.invalid(part, 'must be a URL such as redis://host:6379');
  } else if (Array.isArray(value)) {
    if (value.length === 0 || !value.every((node) => typeof node === 'string' && SERVER.test(node))) {
      problems.invalid(part, 'must be the URLs of nodes of a cluster, such as redis://host:7000');
    }
  } else if (typeof value !== 'object' || value === null) {
    problems.invalid(part, `must be a URL, URLs, options of ioredis or a client of it; is ${nameOf(value)}`);
  } else if (!isRedisClient(value) && Object.getPrototypeOf(value) !== Object.prototype) {
    problems.invalid(part, 'is an object that is neither options nor a Redis or Cluster of ioredis');
  }
};
const namespace: Rule = (problems, part, value) => {
  if (typeof value === 'string' && NAMESPACE.test(value)) return;
  const rule = 'must be 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or a digit';
  problems.invalid(part, `${rule}; is ${nameOf(value)}`);
};

const OWN: Rules = {
  namespace,
  durability: choice(['os', 'disk', 'replicated']),
  replicas: whole({ min: 1, max: 100 }),
  spread: choice(['queue']),
  listen: flag,
};
const RULES: Rules = { redis: place, ...OWN };

/** A `Redis` or a `Cluster` of ioredis. */
export function isRedisClient(value: unknown): value is RedisClient {
  const has = (name: string): boolean => typeof Reflect.get(Object(value), name) === 'function';
  return has('duplicate') && has('sendCommand') && typeof Reflect.get(Object(value), 'status') === 'string';
}

/**
 * @throws InvalidOptionError with all that is wrong, and never with a password in it.
 */
export function redisPlace(options: RedisOptions): RedisPlace {
  checkOptions(SUBJECT, { ...options, redis: options.redis ?? null }, RULES);
  const { redis, ...given } = options;
  const fromUrl = typeof redis === 'string' ? ownOf(redis) : {};
  const own = { ...fromUrl, ...defined(given) } as Omit<RedisOptions, 'redis'>;
  checkOptions(SUBJECT, own, OWN);
  const named = own.namespace ?? DEFAULT_NAMESPACE;
  return {
    url: safeUrl(redis, named),
    namespace: named,
    prefix: `{${named}}:`,
    durability: own.durability ?? null,
    replicas: own.replicas ?? 1,
    spread: own.spread ?? null,
    listen: own.listen ?? true,
    client: isRedisClient(redis) ? redis : null,
    nodes: nodesOf(redis),
    server: serverOf(redis),
  };
}

/** Options of ours may stand among the parameters of a URL. */
function ownOf(url: string): Record<string, unknown> {
  const parameters = new URLSearchParams(split(url)[1]);
  const own: Record<string, unknown> = {};
  for (const name of Object.keys(OWN)) {
    const value = parameters.get(name);
    if (value !== null) own[name] = parsed(name, value);
  }
  return own;
}

function parsed(name: string, value: string): unknown {
  if (name === 'replicas') return Number(value);
  return value === 'true' || value === 'false' ? value === 'true' : value;
}

function split(url: string): [string, string] {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}

interface UrlParts {
  readonly scheme: string;
  /** With its `@`; may have commas in its password. */
  readonly access: string;
  readonly hosts: readonly string[];
  readonly path: string;
}

/** `redis://user:password@one:7000,two:7001/0`: several hosts are nodes of a cluster. */
function partsOf(url: string): UrlParts {
  const [base] = split(url);
  const [, scheme = 'redis', access = '', hosts = '', path = ''] =
    /^(rediss?):\/\/(.*@)?([^/]*)(\/.*)?$/i.exec(base) ?? [];
  return { scheme, access, hosts: hosts.split(','), path };
}

function nodesOf(redis: RedisOptions['redis']): readonly string[] {
  if (Array.isArray(redis)) return redis.map((node: string) => split(node)[0]);
  if (typeof redis !== 'string') return [];
  const { scheme, access, hosts } = partsOf(redis);
  const isCluster = hosts.length > 1 || new URLSearchParams(split(redis)[1]).get('cluster') === 'true';
  return isCluster ? hosts.map((host) => `${scheme}://${access}${host}`) : [];
}

/** Without what is ours; the rest is the driver's. */
function serverOf(redis: RedisOptions['redis']): string | Readonly<Record<string, unknown>> {
  if (typeof redis !== 'string') {
    return isRedisClient(redis) || Array.isArray(redis) ? {} : (redis as Record<string, unknown>);
  }
  const [base, query] = split(redis);
  const parameters = new URLSearchParams(query);
  for (const name of [...Object.keys(OWN), 'cluster']) parameters.delete(name);
  const rest = parameters.toString();
  return rest === '' ? base : `${base}?${rest}`;
}

function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** What people may read: never a password, wherever it stood. */
function safeUrl(redis: RedisOptions['redis'], named: string): string {
  const suffix = named === DEFAULT_NAMESPACE ? '' : `?namespace=${named}`;
  return `${whereOf(redis)}${suffix}`;
}

function whereOf(redis: RedisOptions['redis']): string {
  if (Array.isArray(redis)) {
    return `redis://${redis.map((node: string) => partsOf(node).hosts.join(',')).join(',')}`;
  }
  if (typeof redis === 'string') {
    const { scheme, hosts, path } = partsOf(redis);
    return `${scheme}://${hosts.join(',')}${path}`;
  }
  const settings = isRedisClient(redis) ? Object(Reflect.get(redis, 'options')) : redis;
  const { host, port, path, name } = settings as Record<string, unknown>;
  if (typeof path === 'string') return `redis://${path}`;
  if (typeof name === 'string') return `redis://${name}`;
  return `redis://${String(host ?? 'localhost')}:${String(port ?? 6379)}`;
}
