/**
 * `npm test`: installs, builds, runs every check and every test, and ends with the line `N passed, N failed`.
 * `npm test -- --only unit,biome` runs parts of it (after installing and building as always).
 */

import { build } from './build.mjs';
import { install } from './install.mjs';
import { providePostgres } from './postgres.mjs';
import { provideRedis } from './redis.mjs';
import { say } from './run.mjs';
import { checks } from './test-checks.mjs';
import { runOnNode, versions } from './test-nodes.mjs';
import { projects, runProject } from './test-vitest.mjs';

async function runCheck(name) {
  const { code, output } = await checks[name]();
  if (code !== 0) process.stdout.write(`\n${output}\n`);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

const checkParts = Object.keys(checks).map((name) => [name, () => runCheck(name)]);
const nodeParts = versions.map((version) => [`node${version}`, () => runOnNode(version)]);
const projectParts = projects.map((name) => [name, () => runProject(name)]);

/** These wait for the disk more than they compute, so they wait together. */
const waiting = ['conformance'];

/** One of each for all of them, if the environment (`DATABASE_URL`, `REDIS_URL`, `REDIS_CLUSTER_URL`) names none. */
const servers = [
  {
    name: 'postgres',
    parts: ['conformance', 'model', 'integration', 'faults', 'e2e'],
    provide: providePostgres,
  },
  { name: 'redis', parts: ['conformance', 'model', 'integration', 'faults'], provide: provideRedis },
];

/**
 * Cheap ones first: who broke the types wants to know it at once. What stands in one stage runs side by side; the
 * other projects run alone, because some of them measure time and kill processes. The Nodes come before them: the
 * last project uses the binaries that they fetch.
 */
const stages = [
  { lanes: 2, parts: checkParts },
  { lanes: 3, parts: [...nodeParts, ...projectParts.filter(([name]) => waiting.includes(name))] },
  ...projectParts.filter(([name]) => !waiting.includes(name)).map((part) => ({ lanes: 1, parts: [part] })),
];
const parts = new Map(stages.flatMap((stage) => stage.parts));

function chosen(args) {
  if (args.length === 0) return [...parts.keys()];
  const names = args[0] === '--only' ? (args[1] ?? '').split(',') : [];
  if (args.length === 2 && names.length > 0 && names.every((name) => parts.has(name))) return names;
  say(`usage: npm test [-- --only PART[,PART]]\nparts: ${[...parts.keys()].join(' ')}`);
  return process.exit(2);
}

async function runPart(name) {
  const started = performance.now();
  const result = await parts.get(name)();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const verdict = result.failed > 0 ? 'FAILED' : 'ok';
  say(
    `${name.padEnd(12)} ${verdict.padEnd(7)} ${result.passed} passed, ${result.failed} failed (${seconds} s)`,
  );
  return { name, ...result };
}

/** Each lane takes the next part when it is free. */
async function runStage(names, lanes) {
  const left = [...names];
  const results = [];
  const lane = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) results.push(await runPart(name));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

async function testAll(names) {
  const results = [];
  for (const stage of stages) {
    const wanted = stage.parts.map(([name]) => name).filter((name) => names.includes(name));
    results.push(...(await runStage(wanted, stage.lanes)));
  }
  return results;
}

/** Without one its tests are skipped, and where CI runs that is a failure. */
async function testWithServers(names) {
  const wanted = servers.filter(({ parts: using }) => names.some((name) => using.includes(name)));
  const results = [];
  const stops = [];
  try {
    for (const { name, provide } of wanted) {
      const stop = await provide();
      if (stop !== null) stops.push(stop);
      else {
        const failed = process.env.CI === 'true' ? 1 : 0;
        results.push({ name, passed: 0, failed, skipped: 1 - failed });
      }
    }
    results.push(...(await testAll(names)));
  } finally {
    for (const stop of stops) await stop();
  }
  return results;
}

const sum = (results, key) => results.reduce((total, result) => total + result[key], 0);

/** A part that throws is a failure of that part's making, not a reason to lose the last line. */
async function main() {
  const names = chosen(process.argv.slice(2));
  const results = [];
  try {
    await install();
    await build();
    results.push({ name: 'build', passed: 1, failed: 0, skipped: 0 });
    results.push(...(await testWithServers(names)));
  } catch (error) {
    process.stdout.write(`${error.stack}\n`);
    results.push({ name: 'run', passed: 0, failed: 1, skipped: 0 });
  }
  const failing = results.filter((result) => result.failed > 0).map((result) => result.name);
  if (failing.length > 0) process.stdout.write(`failed: ${failing.join(', ')}\n`);
  const skipped = sum(results, 'skipped');
  if (skipped > 0) process.stdout.write(`${skipped} skipped\n`);
  process.stdout.write(`${sum(results, 'passed')} passed, ${sum(results, 'failed')} failed\n`);
  process.exitCode = failing.length > 0 ? 1 : 0;
}

await main();
