/** The driver ioredis, releases 5 and 6, behind the seam of `driver.ts`. */

import { Cluster, Command, Redis } from 'ioredis';
import type { Subscription } from '../../listening/listener.ts';
import { Deferred } from '../../runtime/deferred.ts';
import type { RedisClient, RedisPlace } from '../redis-options.ts';
import type { RedisDriver, RedisLink, SubscribeParts } from './driver.ts';
import type { Arg, Reply } from './reply.ts';

const CONNECT_MS = 5_000;
/** Nothing came though something was asked: the connection is given up. */
const SILENT_MS = 3_000;
const LONGEST_REST_MS = 1_000;
const REDIRECTIONS = 16;
const MOVING_MS = 100;

const rest = (times: number): number => Math.min(25 * 2 ** Math.min(times, 6), LONGEST_REST_MS);

/** What ioredis would do by itself and must not: send again what may have run, or keep for later what cannot be sent. */
const NODE = {
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  connectTimeout: CONNECT_MS,
  socketTimeout: SILENT_MS,
  keyPrefix: '',
  stringNumbers: false,
  enableAutoPipelining: false,
} as const;
const ALONE = { ...NODE, enableOfflineQueue: false, lazyConnect: true, retryStrategy: rest } as const;
const CLUSTER = {
  redisOptions: NODE,
  lazyConnect: true,
  // For nodes that are connected to at their first call; nothing waits in it for longer than one attempt to connect.
  enableOfflineQueue: true,
  enableAutoPipelining: false,
  maxRedirections: REDIRECTIONS,
  clusterRetryStrategy: rest,
  retryDelayOnFailover: 0,
  retryDelayOnClusterDown: MOVING_MS,
  retryDelayOnTryAgain: MOVING_MS,
  keyPrefix: '',
} as const;

/** A cluster would send them to any node. */
const KEYLESS: ReadonlySet<string> = new Set(['info', 'time', 'config', 'scan', 'publish']);

type Client = Redis | Cluster;

function open(place: RedisPlace): Client {
  const { client, nodes, server } = place;
  if (client !== null) return likeOf(client);
  if (nodes.length > 0) return new Cluster([...nodes], { ...CLUSTER, redisOptions: nodeOptions(nodes[0]) });
  const named = { connectionName: 'millrace' };
  return typeof server === 'string'
    ? new Redis(server, { ...named, ...ALONE })
    : new Redis({ ...named, ...server, ...ALONE });
}

/** The names of the nodes come from the cluster itself, so who we are must be said beside them. */
function nodeOptions(url: string | undefined): object {
  if (url === undefined || !URL.canParse(url)) return NODE;
  const { username, password, protocol } = new URL(url);
  return {
    ...NODE,
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(protocol.toLowerCase() === 'rediss:' && { tls: {} }),
  };
}

/** The application's own may have settings by which a lost answer is sent again. */
function likeOf(client: RedisClient): Client {
  const given = client as unknown as Client;
  if (!given.isCluster) return (given as Redis).duplicate(ALONE);
  const { redisOptions = {} } = (given as Cluster).options;
  return (given as Cluster).duplicate([], {
    ...CLUSTER,
    redisOptions: { ...(redisOptions as object), ...NODE },
  });
}

class IoRedisLink implements RedisLink {
  readonly client: Client;
  readonly #slotKey: string;
  readonly #streams = new Set<{ ref(): unknown; unref(): unknown }>();
  #calls = 0;
  #settled = new Deferred();
  #isClosed = false;
  trouble: unknown = null;

  constructor(place: RedisPlace) {
    this.#slotKey = place.prefix;
    this.client = open(place);
    this.client.on('error', (error: unknown) => this.#fail(error));
    this.client.on('ready', () => this.#settled.resolve());
    this.client.on('close', () => this.#settled.resolve());
    this.client.on('end', () => this.#settled.resolve());
    if (this.client instanceof Cluster) {
      this.client.on('node error', (error: unknown) => this.#fail(error));
      this.client.on('+node', (node: Redis) => this.#watchStream(node));
    } else this.#watchStream(this.client);
    this.#connect();
  }

  get isReady(): boolean {
    return this.client.status === 'ready';
  }

  async settled(): Promise<void> {
    if (this.isReady) return;
    if (this.client.status === 'end' && !this.#isClosed) this.#connect();
    this.#settled = new Deferred();
    await this.#settled.promise;
  }

  async call(command: string, args: readonly Arg[], prefix?: string): Promise<Reply> {
    this.#hold();
    try {
      const words = args.map(wordOf);
      // Texts as bytes: some are payloads.
      const sent = new Command(command, words, { replyEncoding: null });
      const to = KEYLESS.has(command.toLowerCase()) ? this.#master(prefix) : this.client;
      return (await to.sendCommand(sent)) as Reply;
    } finally {
      this.#letGo();
    }
  }

  async wait(replicas: number, timeoutMs: number, prefix?: string): Promise<number> {
    this.#hold();
    try {
      return await this.#master(prefix).wait(replicas, timeoutMs);
    } finally {
      this.#letGo();
    }
  }

  renew(): void {
    if (this.client instanceof Cluster) {
      this.client.refreshSlotsCache(() => undefined);
    } else if (this.isReady) this.client.disconnect(true);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.client.disconnect();
    this.#settled.resolve();
  }

  /** Who has the keys of our prefix, as far as this client knows. */
  #master(prefix: string = this.#slotKey): Redis {
    if (!(this.client instanceof Cluster)) return this.client;
    const slot = slotOf(prefix);
    const key = this.client.slots[slot]?.[0];
    const nodes = this.client.nodes('master');
    const found = nodes.find(({ options }) => `${options.host}:${options.port}` === key) ?? nodes[0];
    if (found === undefined) throw new Error('Connection is closed: no master is known.');
    return found;
  }

  #connect(): void {
    this.client.connect().catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.trouble = error;
    if (!this.isReady) this.#settled.resolve();
  }

  /** A connection on which nothing is asked does not keep the process alive. */
  #watchStream(node: Redis): void {
    let stream: { ref(): unknown; unref(): unknown } | null = null;
    const drop = (): void => {
      if (stream !== null) this.#streams.delete(stream);
      stream = null;
    };
    node.on('ready', () => {
      drop();
      stream = node.stream as unknown as { ref(): unknown; unref(): unknown };
      this.#streams.add(stream);
      if (this.#calls === 0) stream.unref();
    });
    node.on('close', drop);
  }

  #hold(): void {
    if (this.#calls++ > 0) return;
    for (const stream of this.#streams) stream.ref();
  }

  #letGo(): void {
    if (--this.#calls > 0) return;
    for (const stream of this.#streams) stream.unref();
  }
}

/** CRC16 (XMODEM) of the hash tag, as a cluster spreads its keys. */
export function slotOf(key: string): number {
  const tag = /\{([^}]+)\}/.exec(key)?.[1] ?? key;
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc % 16_384;
}

/** News reach every node of a cluster, so one connection to any of them is enough. */
function nearest(link: RedisLink): Redis {
  const { client } = link as IoRedisLink;
  if (!(client instanceof Cluster)) return client;
  const nodes = client.nodes('all').filter(({ status }) => status === 'ready' || status === 'wait');
  const [node] = nodes.sort(
    (one, other) => (one.status === 'ready' ? 0 : 1) - (other.status === 'ready' ? 0 : 1),
  );
  if (node === undefined) throw new Error('Connection is closed: no node is known.');
  return node;
}

async function subscribe(_: RedisPlace, link: RedisLink, parts: SubscribeParts): Promise<Subscription> {
  const own = { ...ALONE, enableOfflineQueue: true, retryStrategy: null, readOnly: false } as const;
  const redis = nearest(link).duplicate(own);
  redis.on('error', () => undefined);
  redis.on('end', parts.onGone);
  redis.on('close', parts.onGone);
  redis.on('message', (_channel: string, message: string) => parts.onMessage(message));
  try {
    await redis.connect();
    redis.stream.unref();
    await redis.subscribe(parts.channel);
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  return {
    ping: async () => {
      await redis.ping();
    },
    cutOff: () => {
      redis.disconnect();
      redis.stream?.destroy();
    },
  };
}

export const driver: RedisDriver = { open: (place) => new IoRedisLink(place), subscribe };

/** The driver makes a text of bytes that are no `Buffer`: of their numbers, with commas between. */
function wordOf(arg: Arg): string | number | Buffer {
  if (typeof arg !== 'object' || Buffer.isBuffer(arg)) return arg;
  return Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength);
}
