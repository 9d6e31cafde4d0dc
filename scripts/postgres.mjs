/**
 * PostgreSQL for tests: a throwaway server from the binaries of this machine, gone when the run is over, however it
 * ends. Needs nothing but Node, so that it works before anything is installed.
 *
 * `node scripts/postgres.mjs COMMAND [ARG …]` runs a command with `DATABASE_URL` set to such a server.
 */

import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { aptInstall } from './apt.mjs';
import { run, say } from './run.mjs';
import { stopOnSignals } from './stop-on-signals.mjs';

/** Where packages put the server's programs, which are seldom on the path. */
const HOMES = ['/usr/lib/postgresql', '/usr/local/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt'];

/**
 * For tests of behaviour. They are about what is written, not about what a power cut leaves of it, and without the
 * flushes a thousand cases take a minute instead of ten. What durability means is tested on servers without these.
 */
const FAST = ['fsync=off', 'full_page_writes=off', 'wal_level=minimal', 'max_wal_senders=0'];
const ALWAYS = ['max_connections=200', 'shared_buffers=64MB', 'log_min_messages=warning', 'jit=off'];

const START_MS = 30_000;
const STOP_MS = 10_000;

/** Folder with `initdb` and `postgres`, the newest release first; null when there is none. */
export function findBinaries() {
  const installed = HOMES.filter((home) => existsSync(home)).flatMap((home) =>
    readdirSync(home)
      .sort((one, other) => Number.parseFloat(other) - Number.parseFloat(one))
      .map((release) => join(home, release, 'bin')),
  );
  const folders = [...installed, ...(process.env.PATH ?? '').split(delimiter)];
  return (
    folders.find((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name)))) ?? null
  );
}

/** The server refuses to run as root; then it runs as the user that its package made, or as nobody. */
export function serverUser() {
  if (process.platform === 'win32' || process.getuid() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const number = (flag) =>
        Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
      return { uid: number('-u'), gid: number('-g') };
    } catch {
      // Not every system has both.
    }
  }
  throw new Error(
    'PostgreSQL does not run as root, and this machine has neither a user "postgres" nor "nobody"',
  );
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function initialise(binaries, directory, user) {
  const args = ['-D', join(directory, 'data'), '-U', 'millrace', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
  execFileSync(join(binaries, 'initdb'), [...args, '--locale=C'], { ...user, cwd: directory, stdio: 'pipe' });
}

/**
 * If this process is killed there is nobody left to stop the server: then this shell, whose standard input ends with
 * us, does it. In a group of its own, so that the interrupt key does not reach it.
 */
function guardAgainstOrphans(pid, directory) {
  const script = 'trap "" INT TERM; read -r _; kill -QUIT "$1" 2>/dev/null; sleep 1; rm -rf "$2"';
  const stdio = ['pipe', 'ignore', 'ignore'];
  const guard = spawn('sh', ['-c', script, 'sh', String(pid), directory], { stdio, detached: true });
  guard.unref();
  guard.stdin.unref?.();
  return () => guard.kill('SIGKILL');
}

const exited = (child) => child.exitCode !== null || child.signalCode !== null;

async function waitFor(isSo, limitMs) {
  const end = performance.now() + limitMs;
  while (!isSo()) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

/** Starts the server on a directory that `initdb` made. Answers when it takes connections. */
export async function serve({ binaries, directory, port, settings, user }) {
  const log = join(directory, 'log');
  const out = openSync(log, 'a');
  const options = settings.flatMap((setting) => ['-c', setting]);
  const args = [
    '-D',
    join(directory, 'data'),
    '-k',
    directory,
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    ...options,
  ];
  const child = spawn(join(binaries, 'postgres'), args, {
    ...{ ...user, cwd: directory, detached: true, stdio: ['ignore', out, out] },
  });
  child.unref();
  const pidFile = join(directory, 'data', 'postmaster.pid');
  const isReady = () =>
    exited(child) || (existsSync(pidFile) && /^ready/m.test(readFileSync(pidFile, 'utf8')));
  const isUp = (await waitFor(isReady, START_MS)) && !exited(child);
  if (!isUp) {
    child.kill('SIGQUIT');
    throw new Error(`PostgreSQL did not start: ${readFileSync(log, 'utf8').slice(-2_000)}`);
  }
  return child;
}

/** `fast` waits for nobody; `immediate` is a crash as far as the data is concerned. */
export async function end(child, how = 'fast') {
  if (exited(child)) return;
  child.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
  if (!(await waitFor(() => exited(child), STOP_MS))) child.kill('SIGKILL');
  await waitFor(() => exited(child), STOP_MS);
}

/**
 * A server with an empty database. `settings` as in `-c`: `['fsync=on']`; `fast: false` for one that keeps its promises.
 */
export async function startCluster({
  settings = [],
  fast = true,
  binaries = findBinaries(),
  prefix = 'millrace-pg-',
} = {}) {
  if (binaries === null) throw new Error('no PostgreSQL on this machine');
  const user = serverUser();
  const directory = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(directory, 0o755);
  if (user.uid !== undefined) chownSync(directory, user.uid, user.gid);
  try {
    initialise(binaries, directory, user);
    const port = await freePort();
    const all = [...ALWAYS, ...(fast ? FAST : []), ...settings];
    const place = { binaries, directory, port, user, settings: all };
    let child = await serve(place);
    let unguard = guardAgainstOrphans(child.pid, directory);
    let stopped = false;
    return {
      url: `postgres://millrace@127.0.0.1:${port}/postgres`,
      port,
      directory,
      binaries,
      /** Of the process that all others of the server come from. */
      pid: () => child.pid,
      restart: async (how = 'fast', { settings: other = all } = {}) => {
        await end(child, how);
        unguard();
        child = await serve({ ...place, settings: other });
        unguard = guardAgainstOrphans(child.pid, directory);
      },
      stop: async () => {
        if (stopped) return;
        stopped = true;
        await end(child);
        unguard();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

const NO_STOP = async () => {};

/**
 * Sets `DATABASE_URL` for the programs that are started from now on, unless it is set. Answers how to end what was
 * begun for it, or null when there is no PostgreSQL to be had, which is said loudly.
 */
export async function providePostgres() {
  if (process.env.DATABASE_URL) return NO_STOP;
  let binaries = findBinaries();
  if (binaries === null && process.platform === 'linux' && process.getuid() === 0) {
    say('Installing postgresql (apt-get) …');
    await aptInstall('postgresql');
    binaries = findBinaries();
  }
  if (binaries === null) {
    say('!!! POSTGRESQL IS MISSING: its tests do not run. Install it, or set DATABASE_URL !!!');
    return null;
  }
  const cluster = await startCluster({ binaries });
  process.env.DATABASE_URL = cluster.url;
  return stopOnSignals(async () => {
    delete process.env.DATABASE_URL;
    await cluster.stop();
  });
}

async function main([command, ...args]) {
  if (command === undefined) {
    say('usage: node scripts/postgres.mjs COMMAND [ARG …]');
    return 2;
  }
  const stop = await providePostgres();
  try {
    return (await run(command, args)).code;
  } finally {
    await stop?.();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  process.exitCode = await main(process.argv.slice(2));
