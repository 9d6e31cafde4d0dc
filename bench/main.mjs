/**
 * `npm run bench`: builds, installs the peers, asks every question of us and of them, prints the table and writes it
 * down. How to run it and how to add a question: docs/how-to/run-the-benchmarks.md.
 */

import { build } from '../scripts/build.mjs';
import { install } from '../scripts/install.mjs';
import { say } from '../scripts/run.mjs';
import { installPeers } from './harness/install.mjs';
import { rowsOf } from './harness/judge.mjs';
import { describeMachine } from './harness/machine.mjs';
import { readOptions, USAGE } from './harness/options.mjs';
import { gather } from './harness/peers.mjs';
import { stopAll } from './harness/processes.mjs';
import { writeReport } from './harness/report.mjs';
import { makeScratch } from './harness/scratch.mjs';
import { STORES } from './harness/stores.mjs';
import { surveyQuestion } from './harness/survey.mjs';
import { plainTable, tableOf } from './harness/table.mjs';

/** Whatever way this process ends, what it started ends with it, and its files go. */
function tidyUpAtExit(scratch) {
  process.once('exit', () => {
    stopAll();
    scratch.remove();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));
}

async function loadQuestions({ names, store }) {
  const load = async (name) => [name, (await import(`./questions/${store.within}${name}.mjs`)).question];
  const loaded = names.map(load);
  return new Map(await Promise.all(loaded));
}

async function answerAll(questions, tools) {
  const answers = [];
  for (const [name, question] of questions) answers.push(await surveyQuestion(name, question, tools));
  return answers;
}

async function main(options) {
  await install();
  await build();
  await installPeers(say);
  const scratch = makeScratch();
  tidyUpAtExit(scratch);
  const started = performance.now();
  const { store } = options;
  const { makers, titles } = store.peers;
  const questions = await loadQuestions(options);
  const server = await store.start(scratch.folder);
  const asked = new Set([...questions.values()].flatMap((each) => each.peers));
  const peers = await gather([...asked], { makers, context: server.context, folder: scratch.folder });
  for (const [name, why] of peers.missing) say(`NOT MEASURED: ${name}: ${why}`);
  const isOver = () => performance.now() - started > store.longestMs;
  const machine = { ...describeMachine(scratch.folder), ...server.facts };
  const tools = { peers, server, folder: scratch.folder, options, say, isOver };
  const answers = await answerAll(questions, tools);
  for (const peer of peers.peers.values()) await peer.stop?.();
  await server.stop();
  const minutes = (performance.now() - started) / 60_000;

  const rows = answers.flatMap((answer) => rowsOf(questions.get(answer.name), answer));
  process.stdout.write(`\n${plainTable(tableOf(rows, titles))}\n\n`);
  const failures = answers.flatMap((answer) => answer.failures);
  for (const { name, key, why } of failures) process.stdout.write(`NOT MEASURED: ${name} ${key}: ${why}\n`);
  process.stdout.write(`${minutes.toFixed(1)} minutes\n`);
  if (options.whole && !options.quick)
    writeReport({ answers, rows, titles, peers, machine, minutes, options });
  process.exitCode = failures.some(({ key }) => key.startsWith('millrace')) ? 1 : 0;
}

try {
  const options = readOptions(process.argv.slice(2), STORES);
  if (options.help) process.stdout.write(`${USAGE}\n`);
  else await main(options);
} catch (error) {
  say(error.message);
  say(USAGE);
  process.exitCode = 2;
}
