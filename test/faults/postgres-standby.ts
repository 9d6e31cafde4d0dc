/** A primary, a standby that copies it, and the change from one to the other. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Gateway } from './gateway.ts';
import { openPostgresGateway } from './postgres-gateway.ts';
import { administer, type Cluster, crash, startServer, userOfServers } from './postgres-server.ts';

const STANDBY = 'spare';

export class Pair {
  readonly primary: Cluster;
  /** The address that everybody knows; it leads to whoever is the primary. */
  readonly gateway: Gateway;
  readonly #data: string;
  readonly #home: string;
  #port = 0;

  private constructor(primary: Cluster, gateway: Gateway) {
    this.primary = primary;
    this.gateway = gateway;
    this.#home = mkdtempSync(join(primary.directory, 'standby-'));
    this.#data = join(this.#home, 'data');
  }

  /** `isWaitedFor`: nothing is acknowledged before the standby has it on its disk. */
  static async start(isWaitedFor: boolean): Promise<Pair> {
    const primary = await startServer('wal_level=replica', 'max_wal_senders=4', 'wal_keep_size=256MB');
    const pair = new Pair(primary, await openPostgresGateway(primary.port));
    await pair.#copy();
    if (isWaitedFor) {
      await pair.#ask(`alter system set synchronous_standby_names = '${STANDBY}'`, 'select pg_reload_conf()');
      await pair.#until("select 1 from pg_stat_replication where sync_state = 'sync'");
    } else await pair.#until("select 1 from pg_stat_replication where state = 'streaming'");
    return pair;
  }

  get url(): string {
    return this.gateway.through(this.primary.url);
  }

  get #source(): string {
    return `host=127.0.0.1 port=${this.primary.port} user=millrace application_name=${STANDBY}`;
  }

  get #standbyUrl(): string {
    const url = new URL(this.primary.url);
    url.port = String(this.#port);
    return url.href;
  }

  /** The standby hears nothing from now on, as when the line between them is down. */
  async deafen(): Promise<void> {
    await administer(this.#standbyUrl, async (client) => {
      await client.query("alter system set primary_conninfo = ''");
      await client.query('select pg_reload_conf()');
    });
    await this.#until('select 1 where not exists (select 1 from pg_stat_replication)');
  }

  /** The end of that. */
  async hear(): Promise<void> {
    await administer(this.#standbyUrl, async (client) => {
      await client.query(`alter system set primary_conninfo = '${this.#source}'`);
      await client.query('select pg_reload_conf()');
    });
    await this.#until("select 1 from pg_stat_replication where state = 'streaming'");
  }

  /** The standby has all that was written until now. */
  async copied(): Promise<void> {
    await this.#until('select 1 from pg_stat_replication where replay_lsn >= pg_current_wal_lsn()');
  }

  /** All of the primary is killed; the standby takes its place, with what it has. */
  async failOver(): Promise<void> {
    await crash(this.primary);
    this.#control('promote', '-w');
    this.gateway.target = this.#port;
    this.gateway.disconnect();
  }

  async stop(): Promise<void> {
    await this.gateway.close();
    try {
      this.#control('stop', '-m', 'immediate');
    } catch {
      // It never started.
    }
    rmSync(this.#home, { recursive: true, force: true });
    await this.primary.stop();
  }

  #run(program: string, ...args: string[]): void {
    const { binaries, directory } = this.primary;
    execFileSync(join(binaries, program), args, { ...userOfServers(), cwd: directory, stdio: 'ignore' });
  }

  #control(verb: string, ...args: string[]): void {
    this.#run('pg_ctl', verb, '-D', this.#data, ...args);
  }

  async #copy(): Promise<void> {
    const { uid, gid } = userOfServers();
    if (uid !== undefined) execFileSync('chown', [`${uid}:${gid}`, this.#home]);
    const spare = await openPostgresGateway(0);
    this.#port = spare.port;
    await spare.close();
    this.#run('pg_basebackup', '-D', this.#data, '-d', this.#source, '-R', '-X', 'stream', '-c', 'fast');
    const options = `-p ${this.#port} -h 127.0.0.1 -k ${this.#home} -c max_connections=200 -c synchronous_standby_names=`;
    this.#control('start', '-w', '-l', join(this.#home, 'log'), '-o', options);
  }

  async #ask(...statements: string[]): Promise<void> {
    await administer(this.primary.url, async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  }

  async #until(found: string): Promise<void> {
    for (let turn = 0; turn < 250; turn += 1) {
      const { rows } = await administer(this.primary.url, (client) => client.query(found));
      if (rows.length > 0) return;
      await wait(40);
    }
    throw new Error(`the standby at ${this.#standbyUrl} does not follow`);
  }
}
