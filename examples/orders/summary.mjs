/** What is said at the end. */

import { sumOf } from './progress.mjs';
import { shownPath } from './shown-path.mjs';

/** So many of the newest records of a queue are looked at: all of them for the file that is shipped. */
const SAMPLE = 3_000;

/** Waits from added to claimed, in ascending order, of the jobs that were claimed once: a retry waits on purpose. */
async function waitsOf(queue) {
  const jobs = await queue.getJobs('completed', 0, SAMPLE - 1);
  const waits = jobs.filter((job) => job.attemptsStarted === 1).map((job) => job.processedOn - job.timestamp);
  return waits.sort((one, other) => one - other);
}

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

const seconds = (ms) => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);

async function table(queues, rows) {
  const lines = [['queue', 'done', 'retried', 'dead', 'wait p50', 'wait p99']];
  for (const { name, done, retried, dead } of rows) {
    const waits = await waitsOf(queues[name]);
    const ends =
      waits.length === 0 ? ['-', '-'] : [0.5, 0.99].map((share) => seconds(percentile(waits, share)));
    lines.push([name, done, retried, dead, ...ends]);
  }
  return lines.map((cells) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(20) : String(cell).padStart(10))).join(''),
  );
}

function hints({ dir, connection }, dead) {
  const store = `sqlite:${shownPath(connection.slice('sqlite:'.length))}`;
  const look = [
    ['what the queues say', `npx millrace status --store ${store}`],
    ['the mails and invoices', `ls ${shownPath(dir)}/outbox ${shownPath(dir)}/invoices`],
  ];
  if (dead > 0) look.splice(1, 0, ['why some are dead letters', `npx millrace dead ls --store ${store}`]);
  return ['Look at:', ...look.map(([what, line]) => `  ${what.padEnd(27)}${line}`)];
}

/** `before` and `after`: the queues' numbers at the start and the end of this run. */
export async function summary({ dir, connection, queues, before, after, tally, elapsedMs }) {
  const ended = (rows) => sumOf(rows, 'done') + sumOf(rows, 'dead');
  const jobs = ended(after) - ended(before);
  return [
    '',
    `${tally.added} orders added, ${tally.known} known already, ${tally.malformed} lines malformed`,
    `${jobs} jobs in ${seconds(elapsedMs)}: ${Math.round(jobs / (elapsedMs / 1_000))} per second`,
    '',
    ...(await table(queues, after)),
    '',
    ...hints({ dir, connection }, sumOf(after, 'dead')),
  ].join('\n');
}
