/** What stands on the command line. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bench } from './paths.mjs';

export const USAGE = `usage: npm run bench [-- --only NAME[,NAME]] [--runs N] [--quick]

  --only NAMES   these questions alone
  --runs N       runs of each question, instead of its own number
  --quick        small sizes and few runs: a check of the bench, not of the product

Only a whole run that is not quick writes docs/benchmarks.md and bench/results.json.`;

/** The order in which they are asked, and stand in the table. What is not named here comes last. */
const ORDER = [
  'add',
  'add-bulk',
  'drain',
  'latency',
  'latency-across',
  'loop-delay',
  'backlog',
  'history',
  'startup',
];

export function questionNames() {
  const names = readdirSync(join(bench, 'questions')).map((file) => file.replace(/\.mjs$/, ''));
  const place = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return names.sort((one, other) => place(one) - place(other));
}

/** @throws Error when there is something that is not understood. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const all = questionNames();
  const names = values.only === undefined ? all : values.only.split(',');
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new Error(`no question "${unknown.join('", "')}"; there are ${all.join(', ')}`);
  const runs = values.runs === undefined ? null : Number(values.runs);
  if (runs !== null && !(Number.isInteger(runs) && runs > 0))
    throw new Error('--runs needs a number from 1 on');
  const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
  return { names, runs, quick: values.quick, help: values.help, whole: names.length === all.length, command };
}
