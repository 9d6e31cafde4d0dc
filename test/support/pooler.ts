/** A pooler in transaction mode before the server of the tests. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresUrl } from './postgres.ts';

const BINARY = ['pgbouncer', '/usr/sbin/pgbouncer'].find((name) => spawnSync(name, ['-V']).status === 0);

/** Said once, loudly. Where CI runs, the test runs all the same, and fails. */
export const noPooler: boolean = BINARY === undefined && process.env['CI'] !== 'true';
if (noPooler) {
  process.stderr.write('\npgbouncer is not installed: its test is SKIPPED (apt-get install pgbouncer)\n');
}

export interface Pooler {
  /** Of the same database, through the pooler. */
  readonly url: string;
  stop(): Promise<void>;
}

export async function startPooler(serverConnections: number): Promise<Pooler> {
  if (BINARY === undefined) throw new Error('pgbouncer is not installed');
  const directory = mkdtempSync(join(tmpdir(), 'millrace-pooler-'));
  const port = await freePort();
  const to = new URL(postgresUrl());
  const name = to.pathname.slice(1);
  const password = to.password === '' ? '' : ` password=${decodeURIComponent(to.password)}`;
  writeFileSync(
    join(directory, 'pooler.ini'),
    `[databases]
${name} = host=${to.hostname} port=${to.port || 5432} dbname=${name} user=${decodeURIComponent(to.username)}${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = any
pool_mode = transaction
default_pool_size = ${serverConnections}
ignore_startup_parameters = extra_float_digits,options
`,
  );
  for (const path of [directory, join(directory, 'pooler.ini')]) chmodSync(path, 0o755);
  const child = spawn(BINARY, [join(directory, 'pooler.ini')], { stdio: 'ignore', cwd: '/', ...nobody() });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  await untilOpen(port);
  to.hostname = '127.0.0.1';
  to.port = String(port);
  return {
    url: to.href,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** It refuses to run as root. */
function nobody(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const number = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: number('-u'), gid: number('-g') };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function untilOpen(port: number): Promise<void> {
  for (let turn = 0; turn < 250; turn += 1) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      }).on('error', () => resolve(false));
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('pgbouncer did not start');
}
