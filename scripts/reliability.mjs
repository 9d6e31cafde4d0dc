/**
 * Makes docs/reliability.md from the runs' own output:
 *
 *   npm run reliability                 runs every proof at its large size (hours), then writes the page
 *   npm run reliability -- --quick      at the sizes of `npm test`
 *   npm run reliability -- --page       writes the page from what earlier runs left in .cache/proofs
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { renderPage } from './reliability-page.mjs';
import { root, run, say } from './run.mjs';
import { projects } from './test-vitest.mjs';

const FOLDER = join(root, '.cache', 'proofs');
const SIMULATION = join(FOLDER, 'simulation');
const PAGE = join(root, 'docs', 'reliability.md');
const PARTS = ['model', 'simulation', 'faults', 'powerloss'].filter((part) => projects.includes(part));

/** Documented in CONTRIBUTING.md; `npm test` has smaller ones built in. */
const LARGE = {
  MILLRACE_SEQUENCES: '1000',
  MILLRACE_SIMULATION_SEEDS: '100000',
  MILLRACE_KILLS: '1000',
  MILLRACE_SYSCALL_KILLS: '300',
  MILLRACE_PAUSES: '60',
  MILLRACE_SHUTDOWNS: '300',
  MILLRACE_CLOCK_ROUNDS: '10',
  MILLRACE_BLOCKS: '60',
  MILLRACE_CUTS: '1000',
  MILLRACE_SERVER_ENDS: '20',
  MILLRACE_TERMINATE_MS: '60000',
  MILLRACE_POWERLOSS_IMAGES: '50000',
};

const jsonIn = (folder) => {
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter((file) => file.name.endsWith('.json'));
    return files.map(({ name }) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8'))]);
  } catch {
    return [];
  }
};

/** The simulator sums up its runs in files of its own. */
function simulationProofs() {
  const files = jsonIn(SIMULATION);
  const runs = files.filter(([name]) => name.startsWith('seeds-')).map(([, summary]) => summary);
  const mutants = files.find(([name]) => name === 'mutants.json')?.[1];
  if (runs.length === 0) return [];
  const total = (name) => runs.reduce((sum, summary) => sum + summary[name], 0);
  const faults = {};
  for (const summary of runs) {
    for (const [kind, count] of Object.entries(summary.faults)) faults[kind] = (faults[kind] ?? 0) + count;
  }
  const from = Math.min(...runs.map((summary) => summary.from));
  return [
    {
      name: 'simulator',
      section: 'simulator',
      title: 'simulated histories, each checked',
      command: 'MILLRACE_SIMULATION_SEEDS=100000 npm test -- --only simulation',
      seeds: [`${from} to ${from + total('seeds') - 1}`],
      figures: {
        histories: total('histories'),
        'events of virtual time': total('events'),
        'calls of the store': total('operations'),
        'hours of virtual time': total('virtualSeconds') / 3_600,
        'faults made': Object.values(faults).reduce((sum, count) => sum + count, 0),
        'histories with a broken promise': runs.reduce((sum, { failures }) => sum + failures.length, 0),
      },
      planted: (mutants?.mutants ?? []).map(({ bug, seeds, check }) => ({
        bug,
        seed: seeds,
        check: check ?? '',
      })),
      at: new Date().toISOString(),
      node: process.versions.node,
    },
  ];
}

async function runProofs(sizes) {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(SIMULATION, { recursive: true });
  const env = { ...process.env, ...sizes, MILLRACE_SIMULATION_SUMMARY: SIMULATION };
  const { code } = await run(
    process.execPath,
    [join(root, 'scripts', 'test.mjs'), '--only', PARTS.join(',')],
    { env },
  );
  return code;
}

function machine() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const gigabytes = Math.round(totalmem() / 1_073_741_824);
  return [
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${gigabytes} GB of memory, ${process.platform} ${release()}`,
    `millrace ${version}, node ${process.versions.node}`,
  ];
}

function writePage() {
  const proofs = [...jsonIn(FOLDER).map(([, proof]) => proof), ...simulationProofs()];
  if (proofs.length === 0) {
    say('There are no proofs in .cache/proofs. Run `npm run reliability -- --quick` first.');
    return 1;
  }
  writeFileSync(PAGE, renderPage(proofs, machine()));
  say(`docs/reliability.md is made from ${proofs.length} proofs.`);
  return 0;
}

const [mode, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (mode !== undefined && !['--quick', '--page'].includes(mode))) {
  say('usage: npm run reliability [-- --quick | --page]');
  process.exit(2);
}
const failed = mode === '--page' ? 0 : await runProofs(mode === '--quick' ? {} : LARGE);
// A page made of runs that failed would say that promises were kept.
if (failed === 0) process.exitCode = writePage();
else {
  say('A proof failed; docs/reliability.md is left as it was.');
  process.exitCode = failed;
}
