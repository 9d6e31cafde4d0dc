/**
 * Redis for tests: throwaway servers from the binary of this machine, gone when the run is over, however it ends. Needs
 * nothing but Node, so that it works before anything is installed.
 *
 * `node scripts/redis.mjs [--cluster] COMMAND [ARG …]` runs a command with `REDIS_URL` set to such a server, and with
 * `--cluster` also `REDIS_CLUSTER_URL` to a cluster of three masters.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { aptInstall } from './apt.mjs';
import { run, say } from './run.mjs';
import { stopOnSignals } from './stop-on-signals.mjs';

const NAMES = ['redis-server', 'valkey-server'];
const HOMES = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', '/usr/lib/redis/bin'];

/** For tests of behaviour; what an acknowledgement survives is tested on servers with other settings. */
const PLAIN = { save: '', appendonly: 'no', 'maxmemory-policy': 'noeviction' };
const ALWAYS = { bind: '127.0.0.1', 'protected-mode': 'no', daemonize: 'no', loglevel: 'notice' };

const START_MS = 15_000;
const STOP_MS = 10_000;
const SLOTS = 16_384;
/** The members of a cluster talk with each other on a port that is so much higher. */
const BUS = 10_000;

/** Path of the server's program; null when there is none. */
export function findBinary() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...HOMES].filter((folder) => folder !== '');
  const paths = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find((path) => existsSync(path)) ?? null;
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Below the ports that the system gives to connections on their way out. */
async function freePort() {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = 12_000 + Math.floor(Math.random() * 10_000);
    if ((await isFree(port)) && (await isFree(port + BUS))) return port;
  }
  throw new Error('no free port was found for Redis');
}

const exited = (child) => child.exitCode !== null || child.signalCode !== null;

async function waitFor(isSo, limitMs) {
  const end = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

/** One command, by a connection of its own; answers what came back as it stands on the wire. */
export function ask(port, ...words) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1');
    socket.setTimeout(5_000, () => socket.destroy(new Error(`no answer to ${words[0]}`)));
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      answer += chunk;
      if (isWhole(answer)) socket.end();
    });
    socket.on('close', () => resolve(answer));
    socket.write(
      `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`).join('')}`,
    );
  });
}

/** Of answers that are a line or one text. */
function isWhole(answer) {
  const end = answer.indexOf('\r\n');
  if (end < 0) return false;
  if (answer[0] !== '$') return true;
  const length = Number(answer.slice(1, end));
  return length < 0 || answer.length >= end + 4 + length;
}

/**
 * If this process is killed there is nobody left to stop the server: then this shell, whose standard input ends with
 * us, does it. In a group of its own, so that the interrupt key does not reach it.
 */
function guardAgainstOrphans(pid, directory) {
  const script = 'trap "" INT TERM; read -r _; kill -KILL "$1" 2>/dev/null; sleep 1; rm -rf "$2"';
  const stdio = ['pipe', 'ignore', 'ignore'];
  const guard = spawn('sh', ['-c', script, 'sh', String(pid), directory], { stdio, detached: true });
  guard.unref();
  guard.stdin.unref?.();
  return () => guard.kill('SIGKILL');
}

async function serve({ binary, directory, port, settings }) {
  const log = join(directory, 'log');
  const out = openSync(log, 'a');
  const all = { ...ALWAYS, ...settings, port, dir: directory };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(binary, args, { cwd: directory, detached: true, stdio: ['ignore', out, out] });
  child.unref();
  const isReady = async () => exited(child) || (await ask(port, 'PING').catch(() => '')).startsWith('+PONG');
  if (!(await waitFor(isReady, START_MS)) || exited(child)) {
    child.kill('SIGKILL');
    throw new Error(`Redis did not start: ${readFileSync(log, 'utf8').slice(-2_000)}`);
  }
  return child;
}

/** `fast` saves nothing that its settings do not ask for; `kill` is a crash. */
async function end(child, how = 'fast') {
  if (exited(child)) return;
  child.kill(how === 'fast' ? 'SIGTERM' : 'SIGKILL');
  if (!(await waitFor(() => exited(child), STOP_MS))) child.kill('SIGKILL');
  await waitFor(() => exited(child), STOP_MS);
}

/** An empty server. `settings` by their names in redis.conf: `{ appendonly: 'yes' }`. */
export async function startServer({ settings = {}, binary = findBinary(), prefix = 'millrace-redis-' } = {}) {
  if (binary === null) throw new Error('no Redis on this machine');
  const directory = mkdtempSync(join(tmpdir(), prefix));
  try {
    const port = await freePort();
    const place = { binary, directory, port, settings: { ...PLAIN, ...settings } };
    let child = await serve(place);
    let unguard = guardAgainstOrphans(child.pid, directory);
    let stopped = false;
    return {
      ...{ url: `redis://127.0.0.1:${port}`, port, directory, binary },
      pid: () => child.pid,
      ask: (...words) => ask(port, ...words),
      /** Leaves it down; `restart` begins it again on the same directory. */
      crash: () => end(child, 'kill'),
      restart: async (how = 'fast', { settings: other = {} } = {}) => {
        await end(child, how);
        unguard();
        child = await serve({ ...place, settings: { ...place.settings, ...other } });
        unguard = guardAgainstOrphans(child.pid, directory);
      },
      stop: async () => {
        if (stopped) return;
        stopped = true;
        await end(child, 'kill');
        unguard();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

/** Masters that share the slots evenly; with `replicas` so many for each. */
export async function startCluster({ masters = 3, replicas = 0, settings = {} } = {}) {
  // A primary waits for more replicas before it sends its data to the first, five seconds as it comes.
  const quick = { 'cluster-node-timeout': '2000', 'repl-diskless-sync-delay': '0' };
  const own = { ...quick, ...settings, 'cluster-enabled': 'yes' };
  const nodes = [];
  const stop = async () => {
    for (const node of nodes) await node.stop();
  };
  try {
    for (let index = 0; index < masters * (1 + replicas); index += 1) {
      nodes.push(await startServer({ settings: { ...own, 'cluster-config-file': 'nodes.conf' } }));
    }
    await meet(nodes, masters);
    return { url: `redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function meet(nodes, masters) {
  const [first, ...others] = nodes;
  for (const [index, node] of nodes.slice(0, masters).entries()) {
    const from = Math.floor((index * SLOTS) / masters);
    const to = Math.floor(((index + 1) * SLOTS) / masters);
    await node.ask('CLUSTER', 'ADDSLOTS', ...Array.from({ length: to - from }, (_, slot) => from + slot));
    // Else two of them may think that they are the newest, and take slots from each other.
    await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
  }
  for (const node of others) await first.ask('CLUSTER', 'MEET', '127.0.0.1', node.port);
  const knowsAll = async (node) =>
    (await node.ask('CLUSTER', 'INFO')).includes(`cluster_known_nodes:${nodes.length}`);
  const allKnow = async () => (await Promise.all(nodes.map(knowsAll))).every(Boolean);
  if (!(await waitFor(allKnow, START_MS))) throw new Error('the nodes of the cluster did not meet');
  for (const [index, node] of nodes.slice(masters).entries()) {
    const master = await nodes[index % masters].ask('CLUSTER', 'MYID');
    await node.ask('CLUSTER', 'REPLICATE', /[0-9a-f]{40}/.exec(master)[0]);
  }
  const isOk = async (node) => (await node.ask('CLUSTER', 'INFO')).includes('cluster_state:ok');
  const allOk = async () => (await Promise.all(nodes.map(isOk))).every(Boolean);
  if (!(await waitFor(allOk, START_MS))) throw new Error('the cluster did not come up');
  const isLinked = async (node) => (await node.ask('INFO', 'replication')).includes('master_link_status:up');
  const allLinked = async () => (await Promise.all(nodes.slice(masters).map(isLinked))).every(Boolean);
  if (!(await waitFor(allLinked, START_MS))) throw new Error('the replicas did not come up');
}

const NO_STOP = async () => {};

/**
 * Sets `REDIS_URL`, and `REDIS_CLUSTER_URL` where it is wanted, for the programs that are started from now on, unless
 * they are set. Answers how to end what was begun for it, or null when there is no Redis to be had, which is said loudly.
 */
export async function provideRedis({ cluster = true } = {}) {
  const wants = { one: !process.env.REDIS_URL, many: cluster && !process.env.REDIS_CLUSTER_URL };
  if (!wants.one && !wants.many) return NO_STOP;
  if (findBinary() === null && process.platform === 'linux' && process.getuid() === 0) {
    say('Installing redis-server (apt-get) …');
    await aptInstall('redis-server');
  }
  if (findBinary() === null) {
    say('!!! REDIS IS MISSING: its tests do not run. Install it, or set REDIS_URL and REDIS_CLUSTER_URL !!!');
    return null;
  }
  const begun = [];
  const stopAll = async () => {
    if (wants.one) delete process.env.REDIS_URL;
    if (wants.many) delete process.env.REDIS_CLUSTER_URL;
    for (const { stop } of begun) await stop();
  };
  const begin = async (name, starting) => {
    const { url, stop } = await starting;
    begun.push({ stop });
    process.env[name] = url;
  };
  try {
    if (wants.one) await begin('REDIS_URL', startServer());
    if (wants.many) await begin('REDIS_CLUSTER_URL', startCluster());
  } catch (error) {
    await stopAll();
    throw error;
  }
  return stopOnSignals(stopAll);
}

async function main([first, ...rest]) {
  const cluster = first === '--cluster';
  const [command, ...args] = cluster ? rest : [first, ...rest];
  if (command === undefined) {
    say('usage: node scripts/redis.mjs [--cluster] COMMAND [ARG …]');
    return 2;
  }
  const stop = await provideRedis({ cluster });
  try {
    return (await run(command, args)).code;
  } finally {
    await stop?.();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  process.exitCode = await main(process.argv.slice(2));
