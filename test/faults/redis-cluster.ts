/** What somebody who runs a cluster of Redis does to it, and what befalls it. */

import { Redis } from 'ioredis';
import type { RedisCluster, RedisServer } from '../support/redis-server.ts';

const PAGE = 50;
const TIMEOUT_MS = 5_000;

interface Node {
  readonly id: string;
  readonly port: number;
  readonly isMaster: boolean;
  readonly isUp: boolean;
  readonly slots: readonly (readonly [number, number])[];
}

export class ClusterHands {
  readonly #cluster: RedisCluster;

  constructor(cluster: RedisCluster) {
    this.#cluster = cluster;
  }

  /** As a node that lives sees them. */
  async nodes(from: RedisServer): Promise<Node[]> {
    const client = clientOf(from.port);
    try {
      const text = (await client.cluster('NODES')) as string;
      return text.trim().split('\n').map(nodeOf);
    } finally {
      client.disconnect();
    }
  }

  async ownerOf(slot: number): Promise<RedisServer> {
    for (const server of this.#cluster.nodes) {
      const nodes = await this.nodes(server).catch(() => []);
      const owner = nodes.find(
        ({ slots, isUp }) => isUp && slots.some(([first, last]) => first <= slot && slot <= last),
      );
      const found = this.#cluster.nodes.find(({ port }) => port === owner?.port);
      if (found !== undefined) return found;
    }
    throw new Error(`nobody has slot ${slot}`);
  }

  /** As `redis-cli --cluster reshard` does it. `pause`: half of the keys are there, half here. */
  async move(slot: number, pause: () => Promise<void>): Promise<void> {
    const source = await this.ownerOf(slot);
    const nodes = await this.nodes(source);
    const masters = nodes.filter(({ isMaster, isUp, port }) => isMaster && isUp && port !== source.port);
    const target = masters[0];
    const here = nodes.find(({ port }) => port === source.port);
    if (target === undefined || here === undefined) throw new Error('there is no other master');
    const [from, to] = [clientOf(source.port), clientOf(target.port)];
    try {
      await to.cluster('SETSLOT', slot, 'IMPORTING', here.id);
      await from.cluster('SETSLOT', slot, 'MIGRATING', target.id);
      await moveKeys(from, { slot, port: target.port, pause });
      const rest = masters.filter(({ port }) => port !== target.port).map(({ port }) => clientOf(port));
      for (const client of [to, from, ...rest]) await client.cluster('SETSLOT', slot, 'NODE', target.id);
      for (const client of rest) client.disconnect();
    } finally {
      from.disconnect();
      to.disconnect();
    }
  }
}

async function moveKeys(
  from: Redis,
  { slot, port, pause }: { slot: number; port: number; pause: () => Promise<void> },
): Promise<void> {
  const total = Number(await from.cluster('COUNTKEYSINSLOT', slot));
  let moved = 0;
  let hasPaused = false;
  while (true) {
    const keys = (await from.callBuffer('CLUSTER', 'GETKEYSINSLOT', slot, PAGE)) as Buffer[];
    if (keys.length === 0) return;
    await from.call('MIGRATE', '127.0.0.1', port, '', 0, TIMEOUT_MS, 'KEYS', ...keys);
    moved += keys.length;
    if (hasPaused || moved < total / 2) continue;
    hasPaused = true;
    await pause();
  }
}

function clientOf(port: number): Redis {
  const client = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 0, retryStrategy: () => null });
  // Whoever asks is told; a node that is down is meant to be.
  client.on('error', () => undefined);
  return client;
}

/** https://redis.io/docs/latest/commands/cluster-nodes/ */
function nodeOf(line: string): Node {
  const [id = '', address = '', flags = '', , , , , state = '', ...ranges] = line.split(' ');
  const own = ranges.filter((range) => !range.startsWith('['));
  return {
    id,
    port: Number(/:(\d+)/.exec(address)?.[1]),
    isMaster: flags.includes('master'),
    isUp: state === 'connected' && !/fail/.test(flags),
    slots: own.map((range) => {
      const [first, last = first] = range.split('-').map(Number);
      return [first ?? 0, last ?? 0];
    }),
  };
}
