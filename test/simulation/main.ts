/**
 * The simulator as a program of its own, started by `scripts/simulate.mjs`. Answers by JSON on standard output, one
 * object a line; the script makes words of them.
 */

import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './mutants/index.ts';
import { findMutant, runSeeds } from './run-seeds.ts';
import { simulate } from './simulate.ts';
import { traceOf } from './trace.ts';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    mutant: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
    about: { type: 'string' },
    seen: { type: 'boolean', default: false },
    hash: { type: 'boolean', default: false },
  },
});

const say = (answer: object): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
const [from, seeds] = [Number(values.from), Number(values.seeds)];

function chosen(): Mutant | null {
  if (values.mutant === undefined) return null;
  const mutant = MUTANTS.find(({ name }) => name === values.mutant);
  if (mutant === undefined) throw new Error(`no mutant has the name "${values.mutant}"`);
  return mutant;
}

async function trace(): Promise<void> {
  const { scenario, truth, seen, violations } = await simulate(from, chosen());
  const { about, whole } = values;
  const { lines } = values.seen ? seen : truth;
  say({ scenario });
  for (const line of traceOf(lines, { isWhole: whole, ...(about !== undefined && { about }) })) say({ line });
  say({ violations: violations.map(({ check, message }) => ({ check, message })) });
}

async function hashes(): Promise<void> {
  for (let seed = from; seed < from + seeds; seed += 1) {
    const { truth, seen } = await simulate(seed);
    say({ seed, hash: truth.hash(), seen: seen.hash() });
  }
}

if (values.trace) await trace();
else if (values.hash) await hashes();
else if (values.mutants) for (const mutant of MUTANTS) say({ found: await findMutant(mutant, seeds) });
else say({ summary: await runSeeds({ from, seeds, onFailure: (failure) => say({ failure }) }) });
