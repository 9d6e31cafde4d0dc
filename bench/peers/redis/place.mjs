/** A database of one's own on a server of the bench, and what is measured of it. */

import { Redis } from 'ioredis';
import { databaseOf } from '../../harness/redis/database.mjs';
import { ALWAYS } from '../../harness/redis/rows.mjs';

const numberIn = (info, name) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? Number.NaN);

const callsOf = (info, name) => Number(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm').exec(info)?.[1] ?? 0);

async function countsOf(control) {
  const stats = await control.info('stats');
  const commands = await control.info('commandstats');
  return {
    commands: numberIn(stats, 'total_commands_processed'),
    scripts: callsOf(commands, 'evalsha') + callsOf(commands, 'eval') + callsOf(commands, 'fcall'),
    bytesIn: numberIn(stats, 'total_net_input_bytes'),
    bytesOut: numberIn(stats, 'total_net_output_bytes'),
  };
}

export async function openPlace({ servers, variant, folder }) {
  const port = `${variant ?? ''}`.startsWith(ALWAYS) ? servers.always : servers.memory;
  const connection = { host: '127.0.0.1', port, db: databaseOf(folder), maxRetriesPerRequest: null };
  const control = new Redis(connection);
  const meter = {
    async serverCpuSeconds() {
      const info = await control.info('cpu');
      return numberIn(info, 'used_cpu_user') + numberIn(info, 'used_cpu_sys');
    },
    /** Commands that scripts call are commands, too. */
    counts: () => countsOf(control),
    usedMemory: async () => numberIn(await control.info('memory'), 'used_memory'),
    connections: async () => numberIn(await control.info('clients'), 'connected_clients') - 1,
  };
  const url = `redis://127.0.0.1:${port}/${connection.db}`;
  return { url, connection, meter, close: () => control.quit() };
}
