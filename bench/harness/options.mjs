/** What stands on the command line. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bench } from './paths.mjs';

export const USAGE = `usage: npm run bench [-- --store NAME] [--only NAME[,NAME]] [--runs N] [--quick] [--held S] [--through N]

  --store NAME   sqlite (the default), postgres or redis
  --only NAMES   these questions alone
  --runs N       runs of each question, instead of its own number
  --quick        small sizes and few runs: a check of the bench, not of the product
  --held S       postgres: seconds for which another session keeps its transaction open, instead of 40
  --through N    postgres: jobs that pass through before tables are weighed, instead of 300000

Only a whole run that is not quick writes down what it found: docs/benchmarks.md and bench/results.json, or those with
-postgres or -redis in their names.`;

/** Of a store, in its order. */
export function questionNames({ within, order }) {
  const files = readdirSync(join(bench, 'questions', within)).filter((file) => file.endsWith('.mjs'));
  const names = files.map((file) => file.replace(/\.mjs$/, ''));
  const place = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
  return names.sort((one, other) => place(one) - place(other));
}

const TEXT = { type: 'string' };
const KNOWN = {
  ...{ store: { ...TEXT, default: 'sqlite' }, only: TEXT, runs: TEXT, held: TEXT, through: TEXT },
  ...{ quick: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
};

/** Sizes that may be given by hand, and whose sizes they are. */
const SIZES = { held: 'heldSeconds', through: 'through' };

function numberIn(values, name) {
  if (values[name] === undefined) return null;
  const number = Number(values[name]);
  if (!(Number.isInteger(number) && number > 0)) throw new Error(`--${name} needs a number from 1 on`);
  return number;
}

function sizesIn(values) {
  const given = Object.entries(SIZES).map(([name, size]) => [size, numberIn(values, name)]);
  return Object.fromEntries(given.filter(([, number]) => number !== null));
}

/** @throws Error when there is something that is not understood. */
export function readOptions(args, stores) {
  const { values } = parseArgs({ args, options: KNOWN });
  const store = stores[values.store];
  if (store === undefined)
    throw new Error(`no store "${values.store}"; there are ${Object.keys(stores).join(', ')}`);
  const all = questionNames(store);
  const names = values.only === undefined ? all : values.only.split(',');
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new Error(`no question "${unknown.join('", "')}"; there are ${all.join(', ')}`);
  const { quick, help } = values;
  const command = ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' ');
  const whole = names.length === all.length;
  return {
    store,
    names,
    runs: numberIn(values, 'runs'),
    sizes: sizesIn(values),
    quick,
    help,
    whole,
    command,
  };
}
