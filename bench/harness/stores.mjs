/** The stores that are measured, each with peers, questions and a page of its own. */

import { join } from 'node:path';
import { SETTINGS } from '../peers/settings.mjs';
import { root } from './paths.mjs';
import { MAKERS, TITLES } from './peers.mjs';
import { postgres } from './postgres/store.mjs';
import { redis } from './redis/store.mjs';
import { limitSection } from './report.mjs';

const MINUTE_MS = 60_000;

const sqlite = {
  title: 'Benchmarks',
  /** Folder of the questions and the peers, within theirs. */
  within: '',
  /** The order in which they are asked, and stand in the table. What is not named here comes last. */
  order: [
    'add',
    'add-bulk',
    'drain',
    'latency',
    'latency-across',
    'loop-delay',
    'backlog',
    'history',
    'startup',
  ],
  peers: { makers: MAKERS, titles: TITLES, settings: SETTINGS },
  /** Past it no further run begins; what is under way has limits of its own. */
  longestMs: 25 * MINUTE_MS,
  page: join(root, 'docs', 'benchmarks.md'),
  results: join(root, 'bench', 'results.json'),
  section: limitSection,
  start: async () => ({ context: {}, facts: {}, discard: async () => {}, stop: async () => {} }),
};

export const STORES = { sqlite, postgres, redis };
