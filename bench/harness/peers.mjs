/** Who is measured: ourselves, and who stands beside us. */

import { existsSync, readFileSync } from 'node:fs';
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

export function versionOf(name) {
  const path = join(bench, 'node_modules', name, 'package.json');
  if (!existsSync(path)) throw new Error(`${name} is not installed`);
  return JSON.parse(readFileSync(path, 'utf8')).version;
}

/** The driver that Millrace takes on this Node; the build is loaded late, because the run may have to make it. */
async function driverText() {
  const { loadDriver } = await import('../../dist/store/sqlite/driver.js');
  const { name, version } = loadDriver('file');
  return `SQLite ${version} by ${name}`;
}

export function ownVersion() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
}

async function millrace() {
  return { version: `${ownVersion()}, ${await driverText()}`, runtime: process.execPath, context: {} };
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

async function sqlite() {
  return { version: await driverText(), runtime: process.execPath, context: {} };
}

/** In the order of the table's columns. */
export const TITLES = { millrace: 'Millrace', bullmq: 'BullMQ', bunqueue: 'bunqueue', sqlite: 'bare SQLite' };

export const MAKERS = { millrace, bullmq, bunqueue, sqlite };

/** Those who can be measured, and of those who cannot, why: said loudly, and in the table as "not measured". */
export async function gather(names, { makers, context, folder }) {
  const peers = new Map();
  const missing = new Map();
  for (const name of names) {
    try {
      const peer = await makers[name](folder);
      peers.set(name, { ...peer, context: { ...context, ...peer.context } });
    } catch (error) {
      if (name === 'millrace') throw error;
      missing.set(name, error.message);
    }
  }
  return { peers, missing };
}
