/** Servers of a fault test's own, which keep what they acknowledge and may be hurt. */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Client, default as pg } from 'pg';

export type Ending = 'fast' | 'immediate';

/** As `scripts/postgres.mjs` starts it. */
export interface Cluster {
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  readonly binaries: string;
  pid(): number;
  restart(how?: Ending, options?: { readonly settings?: readonly string[] }): Promise<void>;
  stop(): Promise<void>;
}

interface Programs {
  findBinaries(): string | null;
  serverUser(): { readonly uid?: number; readonly gid?: number };
  startCluster(options: { readonly settings: readonly string[]; readonly fast: false }): Promise<Cluster>;
}

const programs = (await import(new URL('../../scripts/postgres.mjs', import.meta.url).href)) as Programs;

/** Said once, loudly. Where CI runs, the tests run all the same, and fail. */
export const noServer: boolean = programs.findBinaries() === null && process.env['CI'] !== 'true';
if (noServer) {
  process.stderr.write(
    '\nPostgreSQL is not installed: its fault tests are SKIPPED (apt-get install postgresql)\n',
  );
}

/** Servers refuse to run as root. */
export function userOfServers(): { readonly uid?: number; readonly gid?: number } {
  return programs.serverUser();
}

/** With `fsync`, full pages and all that makes an acknowledgement true. */
export function startServer(...settings: string[]): Promise<Cluster> {
  return programs.startCluster({ settings, fast: false });
}

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return stdout.split('\n').map(Number).filter(Boolean);
}

function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

/** Kills every process of the server at once, as the end of its machine would. Nothing serves afterwards. */
export async function crash(server: Cluster): Promise<void> {
  const pids = [server.pid(), ...childrenOf(server.pid())];
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone by itself meanwhile.
    }
  }
  while (pids.some(isAlive)) await wait(10);
  // It says "ready" of the server that is no more.
  rmSync(join(server.directory, 'data', 'postmaster.pid'), { force: true });
}

/** As somebody who looks after the server, with a connection for this alone. */
export async function administer<T>(url: string, deed: (client: Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'administrator' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await deed(client);
  } finally {
    await client.end();
  }
}
