/**
 * Tells simulated histories of queues, workers and a store, and checks them:
 *
 *   node scripts/simulate.mjs --seeds 100000 --from 1     any number of histories, on all cores
 *   node scripts/simulate.mjs --trace --from 17           one history, for people
 *   node scripts/simulate.mjs --mutants                   the planted bugs, and how many histories find each
 *
 * More options: --workers N, --summary FILE (figures as JSON), --mutant NAME, --about TEXT, --seen, --whole, --hash.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { bin, root, run, say } from './run.mjs';

const made = join(root, '.cache', 'simulation');
const compiled = (file) => join(made, 'test', 'simulation', file);

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    workers: { type: 'string', default: String(availableParallelism()) },
    summary: { type: 'string' },
    mutant: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
    about: { type: 'string' },
    seen: { type: 'boolean', default: false },
    hash: { type: 'boolean', default: false },
  },
});

async function compile() {
  const { code, output } = await run(bin('tsc'), ['-p', 'tsconfig.simulation.json'], { quiet: true });
  if (code !== 0) throw new Error(`tsc failed:\n${output}`);
  // The sources look for the manifest above them.
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  mkdirSync(made, { recursive: true });
  writeFileSync(join(made, 'package.json'), `${JSON.stringify({ type: 'module', version })}\n`);
}

/** Runs the simulator; each line that it says is an object. */
function tell(args, hear) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [compiled('main.js'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: child.stdout }).on('line', (line) => hear(JSON.parse(line)));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`the simulator ended with ${code}`)),
    );
  });
}

const about = ['mutant', 'about'].flatMap((name) =>
  values[name] === undefined ? [] : [`--${name}`, values[name]],
);

async function trace() {
  const flags = ['whole', 'seen'].flatMap((name) => (values[name] ? [`--${name}`] : []));
  await tell(['--trace', '--from', values.from, ...about, ...flags], ({ scenario, line, violations }) => {
    if (scenario !== undefined) process.stdout.write(`${JSON.stringify(scenario, null, 2)}\n`);
    if (line !== undefined) process.stdout.write(`${line}\n`);
    for (const { check, message } of violations ?? []) process.stdout.write(`BROKEN ${check}: ${message}\n`);
  });
}

async function hash() {
  const args = ['--hash', '--from', values.from, '--seeds', values.seeds];
  await tell(args, (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
}

async function mutants() {
  const all = [];
  await tell(['--mutants', '--seeds', '100'], ({ found }) => {
    all.push(found);
    const verdict =
      found.seeds === null ? 'NOT FOUND' : `${String(found.seeds).padStart(3)} seeds  ${found.check}`;
    process.stdout.write(`${found.mutant.padEnd(30)} ${verdict}\n`);
  });
  keep({ mutants: all });
  return all.every(({ seeds }) => seeds !== null);
}

async function histories() {
  const [from, seeds] = [Number(values.from), Number(values.seeds)];
  const workers = Math.max(1, Math.min(Number(values.workers), seeds));
  const size = Math.ceil(seeds / workers);
  const summaries = [];
  const hear = ({ failure, summary }) => {
    if (failure !== undefined) report(failure);
    if (summary !== undefined) summaries.push(summary);
  };
  const parts = Array.from({ length: workers }, (_, part) => {
    const first = from + part * size;
    const count = Math.min(size, from + seeds - first);
    return count > 0 ? tell(['--from', String(first), '--seeds', String(count)], hear) : Promise.resolve();
  });
  await Promise.all(parts);
  const all = joined(summaries);
  keep(all);
  await conclude(all);
  return all.failures.length === 0;
}

/** Several ranges, told by several processes at once, as one. */
function joined(summaries) {
  const sum = (name) => summaries.reduce((total, one) => total + one[name], 0);
  const names = ['seeds', 'histories', 'events', 'operations', 'lines', 'virtualSeconds'];
  const seconds = Math.max(...summaries.map((one) => one.seconds));
  const faults = {};
  for (const [fault, times] of summaries.flatMap((one) => Object.entries(one.faults))) {
    faults[fault] = (faults[fault] ?? 0) + times;
  }
  return {
    from: Math.min(...summaries.map(({ from }) => from)),
    ...Object.fromEntries(names.map((name) => [name, sum(name)])),
    seconds,
    historiesPerSecond: Math.round((sum('histories') / seconds) * 10) / 10,
    eventsPerSecond: Math.round(sum('events') / seconds),
    faults,
    failures: summaries.flatMap(({ failures }) => failures),
  };
}

function report({ seed, violations }) {
  const [{ check, message }] = violations;
  process.stdout.write(`seed ${seed} breaks ${check}: ${message}\n`);
}

/** The shortest history is the easiest to read. */
async function conclude(all) {
  const { histories, events, operations, faults, historiesPerSecond, eventsPerSecond, failures } = all;
  say(
    `${histories} histories, ${events} events, ${operations} operations of the store, ${failures.length} failed`,
  );
  say(`${historiesPerSecond} histories/s, ${eventsPerSecond} events/s`);
  say(
    `faults: ${Object.entries(faults)
      .map(([fault, times]) => `${times} × ${fault}`)
      .join(', ')}`,
  );
  const [shortest] = [...failures].sort((one, other) => one.lines - other.lines);
  if (shortest === undefined) return;
  process.stdout.write(`\nThe shortest that failed, seed ${shortest.seed}:\n`);
  await tell(['--trace', '--from', String(shortest.seed)], ({ line, violations }) => {
    if (line !== undefined) process.stdout.write(`${line}\n`);
    for (const { check, message } of violations ?? []) process.stdout.write(`BROKEN ${check}: ${message}\n`);
  });
  say('Keep it in test/simulation/kept-seeds.ts when it is mended.');
}

function keep(summary) {
  if (values.summary === undefined) return;
  if (!existsSync(dirname(values.summary))) mkdirSync(dirname(values.summary), { recursive: true });
  writeFileSync(values.summary, `${JSON.stringify(summary, null, 2)}\n`);
}

async function main() {
  await compile();
  if (values.trace) return trace();
  if (values.hash) return hash();
  return values.mutants ? mutants() : histories();
}

process.exitCode = (await main()) === false ? 1 : 0;
