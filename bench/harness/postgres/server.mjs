/**
 * The server that all are measured on, one after the other: durable, on the disk that temporary files are on, with
 * modest settings, each user of it in a database of its own.
 */

import { createHash } from 'node:crypto';
import { startCluster } from '../../../scripts/postgres.mjs';

/** Written down in the report. What is not here is as it comes. */
export const SERVER_SETTINGS = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  wal_level: 'replica',
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '15min',
  autovacuum_naptime: '10s',
  max_connections: '200',
  jit: 'off',
};

const settingsOf = (settings) => Object.entries(settings).map(([name, value]) => `${name}=${value}`);

/** Named after the folder that stands for it, as a store in a file would be. */
export const databaseOf = (folder) => `bench_${createHash('sha1').update(folder).digest('hex').slice(0, 16)}`;

/** The client is a package of the bench: there may be none while this file is loaded. */
async function connect(url) {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url });
  // Who asks next is told; between two questions nobody is.
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** What a run left behind would be vacuumed and written out while the next one is measured. */
async function discard(client, folder) {
  const { rows } = await client.query('select 1 from pg_database where datname = $1', [databaseOf(folder)]);
  if (rows.length === 0) return;
  await client.query(`drop database ${databaseOf(folder)} with (force)`);
  await client.query('checkpoint');
}

export async function startServer() {
  const cluster = await startCluster({
    ...{ fast: false, settings: settingsOf(SERVER_SETTINGS), prefix: 'millrace-bench-pg-' },
  });
  const client = await connect(cluster.url);
  const { rows } = await client.query(`select current_setting('server_version') as version`);
  return {
    version: rows[0].version,
    context: { server: { port: cluster.port, pid: cluster.pid() } },
    discard: (folder) => discard(client, folder),
    async stop() {
      await client.end();
      await cluster.stop();
    },
  };
}
