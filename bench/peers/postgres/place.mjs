/** A database of one's own on the server of the bench, and what is measured of it. Made when it is not there yet. */

import pg from 'pg';
import { meterOf } from '../../harness/postgres/meter.mjs';
import { databaseOf } from '../../harness/postgres/server.mjs';
import { countTrips } from '../../harness/postgres/trips.mjs';

const urlOf = (port, database) => `postgres://millrace@127.0.0.1:${port}/${database}`;

async function connect(connectionString) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}

async function make(port, database) {
  const client = await connect(urlOf(port, 'postgres'));
  const { rows } = await client.query('select 1 from pg_database where datname = $1', [database]);
  if (rows.length === 0) await client.query(`create database ${database}`);
  await client.end();
  return rows.length === 0;
}

/** `counted`: the peer reaches the server through what counts its statements. */
export async function openPlace({ server, folder, counted = false }) {
  const database = databaseOf(folder);
  const isNew = await make(server.port, database);
  const trips = counted ? await countTrips(server.port) : null;
  const direct = urlOf(server.port, database);
  const client = await connect(direct);
  return {
    url: trips === null ? direct : urlOf(trips.port, database),
    isNew,
    meter: { ...meterOf(client, server), trips: trips?.counts },
    /** A session that reads and does not end, as a report or a forgotten terminal does. */
    async hold() {
      const holder = await connect(direct);
      await holder.query('begin isolation level repeatable read');
      await holder.query('select count(*) from pg_class');
      return async () => {
        await holder.query('commit');
        await holder.end();
      };
    },
    close: () => client.end(),
  };
}
