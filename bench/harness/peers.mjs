/** Who is measured: ourselves, and who stands beside us. */

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bench, root } from './paths.mjs';
import { startRedis } from './redis.mjs';

const BUN = `@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`;

/** The binary as its package has it. The package `bun` would put it in place by an install script. */
function bunPath() {
  const path = join(bench, 'node_modules', BUN, 'bin', 'bun');
  if (!existsSync(path)) throw new Error(`there is no Bun for this machine (${BUN} is not installed)`);
  return path;
}

function versionOf(name) {
  const path = join(bench, 'node_modules', name, 'package.json');
  if (!existsSync(path)) throw new Error(`${name} is not installed`);
  return JSON.parse(readFileSync(path, 'utf8')).version;
}

function millrace() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return { version, runtime: process.execPath, context: {} };
}

async function bullmq(folder) {
  const version = `${versionOf('bullmq')}, ioredis ${versionOf('ioredis')}`;
  const redis = await startRedis(folder);
  return {
    version: `${version}, Redis ${redis.version}`,
    runtime: process.execPath,
    context: { redisPort: redis.port },
    stop: redis.stop,
  };
}

function bunqueue() {
  const runtime = bunPath();
  return {
    version: `${versionOf('bunqueue')}, Bun ${versionOf(BUN)}`,
    runtime,
    context: {},
  };
}

function sqlite() {
  const require = createRequire(join(root, 'package.json'));
  const { version } = require('@photostructure/sqlite/package.json');
  const { DatabaseSync } = require('@photostructure/sqlite');
  const memory = new DatabaseSync(':memory:');
  const { library } = memory.prepare('select sqlite_version() as library').get();
  memory.close();
  return {
    version: `${library}, @photostructure/sqlite ${version}`,
    runtime: process.execPath,
    context: {},
  };
}

/** In the order of the table's columns. */
export const TITLES = { millrace: 'Millrace', bullmq: 'BullMQ', bunqueue: 'bunqueue', sqlite: 'bare SQLite' };

const MAKERS = { millrace, bullmq, bunqueue, sqlite };

/** Those who can be measured, and of those who cannot, why: said loudly, and in the table as "not measured". */
export async function gather(names, folder) {
  const peers = new Map();
  const missing = new Map();
  for (const name of names) {
    try {
      peers.set(name, await MAKERS[name](folder));
    } catch (error) {
      if (name === 'millrace') throw error;
      missing.set(name, error.message);
    }
  }
  return { peers, missing };
}
