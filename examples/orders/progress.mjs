/** The live line, and the numbers behind it. All of them are the queues' own: nothing is counted here. */

import { setTimeout as wait } from 'node:timers/promises';

const OPEN = ['waiting', 'delayed', 'blocked', 'active', 'parked'];

/** `orders` is read first: when it has nothing open, all the jobs that it makes are there. */
export async function takeStock(queues) {
  const rows = [];
  for (const [name, queue] of Object.entries(queues)) {
    const { counts, totals } = await queue.summary();
    rows.push({
      name,
      open: OPEN.reduce((sum, state) => sum + counts[state], 0),
      active: counts.active,
      added: totals.added,
      done: totals.completed,
      dead: totals.failed,
      // Of the attempts that failed, the last one of a dead letter was not followed by another.
      retried: Math.max(0, totals.attemptsFailed - totals.failed),
    });
  }
  return rows;
}

export const sumOf = (rows, key) => rows.reduce((sum, row) => sum + row[key], 0);

const SHORT = { 'confirmation-mails': 'mails' };

/** The sums first: a narrow terminal cuts the end. */
function lineFor(rows, perSecond) {
  const ends = `${sumOf(rows, 'done')} done · ${sumOf(rows, 'retried')} retried · ${sumOf(rows, 'dead')} dead`;
  const queues = rows.map((row) => `${SHORT[row.name] ?? row.name} ${row.done}/${row.added}`).join(' · ');
  return `${ends} · ${perSecond}/s · ${queues}`;
}

/** A line of its own, above the live one. */
export function say(text, out = process.stderr) {
  out.write(`${out.isTTY ? '\r\x1b[2K' : ''}${text}\n`);
}

/** On a terminal one line that is written over; in a pipe a line now and then. */
function painter(out) {
  if (!out.isTTY) return { everyMs: 2_000, paint: (line) => out.write(`${line}\n`), end: () => {} };
  const paint = (line) => out.write(`\r\x1b[2K${line.slice(0, (out.columns ?? 80) - 1)}`);
  return { everyMs: 200, paint, end: () => out.write('\n') };
}

/**
 * Shows how it goes until nothing is open, or until the signal. `added` resolves when all orders of the file are in
 * the queue; before that, an empty queue means nothing.
 */
export async function showProgress(queues, added, signal, out = process.stdout) {
  const { everyMs, paint, end } = painter(out);
  let isAdding = true;
  added.finally(() => (isAdding = false)).catch(() => {});
  let ended = null;
  let paintAt = 0;
  while (!signal.aborted) {
    const wasAdding = isAdding;
    const rows = await takeStock(queues);
    const now = { at: performance.now(), ended: sumOf(rows, 'done') + sumOf(rows, 'dead') };
    const isOver = !wasAdding && sumOf(rows, 'open') === 0;
    if (now.at >= paintAt || isOver) {
      paint(lineFor(rows, ended === null ? 0 : rate(ended, now)));
      paintAt = now.at + everyMs;
      ended = now;
    }
    if (isOver) break;
    await wait(Math.min(100, everyMs), undefined, { signal }).catch(() => {});
  }
  end();
}

function rate(before, now) {
  const seconds = (now.at - before.at) / 1_000;
  return seconds > 0 ? Math.round((now.ended - before.ended) / seconds) : 0;
}
