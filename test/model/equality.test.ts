/** Random histories, played to the memory store and to another one at once: nobody can tell the two apart. */

import assert from 'node:assert/strict';
import { postgresStore } from 'millrace/postgres';
import { redisStore } from 'millrace/redis';
import { sqliteStore } from 'millrace/sqlite';
import { FakeClock, memoryStore } from 'millrace/testing';
import { afterAll, describe, it } from 'vitest';
import type { ClaimAnswer, CommitAnswer, Store } from '../../src/store/store.ts';
import { dropSchemas, nextSchema, noPostgres, testPool, Wiper } from '../support/postgres.ts';
import { writeProof } from '../support/proof.ts';
import {
  dropNamespaces,
  nextNamespace,
  noRedis,
  noRedisCluster,
  redisClusterUrl,
  redisUrl,
} from '../support/redis.ts';
import { makeScratch } from '../support/scratch.ts';
import { command } from './arbitrary-command.ts';
import { answerOf, dumpOf } from './canonical.ts';
import type { Command } from './command.ts';
import { callOf, type Player, pass } from './play.ts';
import { effortOf, holds } from './runs.ts';
import { learn, newWorld, type World } from './world.ts';

const DUMP_EVERY = 20;
/** Every commit on a file waits for the disk. */
const FILE_SEQUENCES = 12;
/** Every statement goes to another process. */
const SERVER_SEQUENCES = 60;

const scratch = makeScratch();
const played = { sequences: 0, commands: 0 };
afterAll(() => {
  scratch.remove();
  writeProof({
    ...{
      name: 'equality',
      section: 'equality',
      title: 'random commands to the memory store and to SQLite, PostgreSQL and Redis',
    },
    command: 'MILLRACE_SEQUENCES=1000 npm test -- --only model',
    figures: { 'sequences without a difference': played.sequences, 'commands compared': played.commands },
  });
});

/** Handles on the same data, which take turns. */
type Open = (clock: FakeClock) => Promise<readonly Store[]>;

async function playTwice(commands: readonly Command[], open: Open): Promise<void> {
  const clock = new FakeClock();
  const model = { store: memoryStore({ clock }), cursor: null };
  const others = await open(clock);
  const world = newWorld();
  let cursor: number | null = null;
  try {
    for (const [index, each] of commands.entries()) {
      await pass(clock, each);
      const call = callOf(world, each);
      const other: Player = { store: inTurn(others, index), cursor };
      const told = await answerOf(remember(world, each, call(model)));
      assert.deepEqual(await answerOf(call(other)), told, `command ${index} (${each.kind})`);
      cursor = other.cursor;
      if ((index + 1) % DUMP_EVERY === 0) await compareAll(model.store, inTurn(others, index + 1));
    }
    await compareAll(model.store, inTurn(others, 0));
    played.sequences += 1;
    played.commands += commands.length;
  } finally {
    for (const store of [model.store, ...others]) await store.close();
  }
}

function inTurn(stores: readonly Store[], turn: number): Store {
  const store = stores[turn % stores.length];
  assert.ok(store !== undefined);
  return store;
}

/** The leases of an answer are there for later commands. */
async function remember(world: World, { kind }: Command, answer: Promise<unknown>): Promise<unknown> {
  const told = await answer;
  if (kind === 'claim') learn(world, told as ClaimAnswer[]);
  if (kind === 'commit') learn(world, (told as CommitAnswer).claimed);
  return told;
}

async function compareAll(model: Store, other: Store): Promise<void> {
  assert.deepEqual(await dumpOf(other), await dumpOf(model), 'the stores hold different things');
  assert.deepEqual(await model.verify(), [], 'verify of the memory store');
  assert.deepEqual(await other.verify(), [], 'verify of the other store');
}

const inMemory: Open = async (clock) => [sqliteStore({ path: ':memory:', clock, engine: 'inline' })];

/** One connection on a thread and one here: as two processes have them. */
const onFile: Open = async (clock) => {
  const path = scratch.nextPath();
  return [sqliteStore({ path, clock, engine: 'thread' }), sqliteStore({ path, clock, engine: 'inline' })];
};

describe('the memory store and SQLite', () => {
  it('answer every history of calls alike and hold the same afterwards', async () => {
    await holds(effortOf(300), command, (commands) => playTwice(commands, inMemory));
  });

  it('do so on a file, too, when two connections take turns', async () => {
    await holds(partOf(FILE_SEQUENCES), command, (commands) => playTwice(commands, onFile));
  });
});

/** So many of the usual number. */
function partOf(part: number): ReturnType<typeof effortOf> {
  const effort = effortOf(300);
  return { ...effort, sequences: Math.ceil((effort.sequences * part) / 300) };
}

describe.skipIf(noPostgres)('the memory store and PostgreSQL', () => {
  const schema = nextSchema();
  const pools = noPostgres ? [] : [testPool(2), testPool(2)];
  const wiper = pools[0] && new Wiper(pools[0], schema);
  afterAll(async () => {
    if (pools[0]) await dropSchemas(pools[0], [schema]);
    for (const pool of pools) await pool.end();
  });

  /** As two processes have them. */
  const onServer: Open = async (clock) => {
    await wiper?.wipe();
    return pools.map((pool) => postgresStore({ pool, schema, clock }));
  };

  it('answer every history of calls alike and hold the same afterwards', async () => {
    await holds(partOf(SERVER_SEQUENCES), command, (commands) => playTwice(commands, onServer));
  });
});

describe.each([
  ['Redis', noRedis, redisUrl],
  ['a Redis Cluster', noRedisCluster, redisClusterUrl],
] as const)('the memory store and %s', (_, isMissing, url) => {
  describe.skipIf(isMissing)('of this machine', () => {
    const used: string[] = [];
    afterAll(() => dropNamespaces(url(), used));

    /** As two processes have them. */
    const onRedis: Open = async (clock) => {
      const namespace = nextNamespace();
      used.push(namespace);
      return [1, 2].map(() => redisStore({ redis: url(), namespace, clock }));
    };

    it('answer every history of calls alike and hold the same afterwards', async () => {
      await holds(partOf(SERVER_SEQUENCES), command, (commands) => playTwice(commands, onRedis));
    });
  });
});
