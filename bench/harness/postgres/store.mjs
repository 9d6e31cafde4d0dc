/** The PostgreSQL store and its peers, on one server. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS } from '../../peers/postgres/settings.mjs';
import { root } from '../paths.mjs';
import { ownVersion, versionOf } from '../peers.mjs';
import { heldPicture } from './held-picture.mjs';
import { SERVER_SETTINGS, startServer } from './server.mjs';

/** In the order of the table's columns. */
const TITLES = {
  millrace: 'Millrace',
  graphile: 'graphile-worker',
  'graphile-best': 'graphile-worker, best mode',
  pgboss: 'pg-boss',
  bullmq: 'BullMQ on PostgreSQL',
};

const onNode = (version) => ({ version, runtime: process.execPath, context: {} });
const graphile = async () => onNode(`${versionOf('graphile-worker')}, pg ${versionOf('pg')}`);

const MAKERS = {
  millrace: async () => onNode(`${ownVersion()}, pg of the repository`),
  graphile,
  'graphile-best': graphile,
  pgboss: async () => onNode(`${versionOf('pg-boss')}, pg ${versionOf('pg')}`),
  bullmq: async () => onNode(`${versionOf('bullmq')}, pg ${versionOf('pg')}`),
};

const PICTURE = 'benchmarks-postgres-held.svg';

const section = ({ answers }) =>
  answers.some(({ name }) => name === 'held')
    ? `
## While another session keeps its transaction open

![Jobs a second under steady load, us and the peers, before and while another session keeps a transaction open](${PICTURE})
`
    : '';

async function start() {
  const server = await startServer();
  const settings = Object.entries(SERVER_SETTINGS).map(([name, value]) => `\`${name}=${value}\``);
  const facts = { server: [['PostgreSQL', `${server.version} on the loopback, ${settings.join(', ')}`]] };
  return { ...server, facts };
}

function writeMore({ answers }) {
  const held = answers.find(({ name }) => name === 'held');
  if (held !== undefined) writeFileSync(join(root, 'docs', PICTURE), heldPicture(held, TITLES));
}

export const postgres = {
  ...{ title: 'Benchmarks on PostgreSQL', within: 'postgres/', start, section, writeMore },
  order: [
    'add',
    'add-bulk',
    'drain',
    'held',
    'latency',
    'backlog',
    'history',
    'size',
    'cost',
    'drain-narrow',
  ],
  peers: { makers: MAKERS, titles: TITLES, settings: SETTINGS },
  longestMs: 60 * 60_000,
  page: join(root, 'docs', 'benchmarks-postgres.md'),
  results: join(root, 'bench', 'results-postgres.json'),
};
