import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { ExitGate } from './exit-gate.ts';

/** A thread that is inside until it is told by `cells[2]` to come out. */
const THREAD = `
  const { workerData: cells, parentPort } = require('node:worker_threads');
  Atomics.store(cells, 0, 1);
  parentPort.postMessage('inside');
  Atomics.wait(cells, 1, 0);
  Atomics.store(cells, 2, 1);
  Atomics.store(cells, 0, 0);
  Atomics.notify(cells, 0);
`;

test('an end that finds nobody inside does not wait', () => {
  const gate = new ExitGate();
  expect(gate.pass(() => 'done')).toBe('done');
  gate.shut();
  expect([...new Int32Array(gate.buffer)]).toEqual([0, 1]);
});

test('a call that throws is outside again', () => {
  const gate = new ExitGate();
  expect(() =>
    gate.pass(() => {
      throw new Error('refused');
    }),
  ).toThrow('refused');
  expect(new Int32Array(gate.buffer)[0]).toBe(0);
});

test('an end waits until the other thread has come out', async () => {
  const buffer = new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT);
  const cells = new Int32Array(buffer);
  const thread = new Worker(THREAD, { eval: true, workerData: cells });
  await new Promise((resolve) => thread.once('message', resolve));
  const ended = new Promise((resolve) => thread.once('exit', resolve));
  const gate = new ExitGate(buffer);
  // What wakes the thread is the gate being shut.
  wakeWhenShut(cells);
  gate.shut();
  expect(Atomics.load(cells, 2)).toBe(1);
  await ended;
});

/** The thread sleeps on the cell that `shut` changes; somebody else has to wake it while this thread waits. */
function wakeWhenShut(cells: Int32Array): void {
  const waker = `
    const { workerData: cells } = require('node:worker_threads');
    while (Atomics.load(cells, 1) === 0);
    while (Atomics.load(cells, 2) === 0) Atomics.notify(cells, 1);
  `;
  new Worker(waker, { eval: true, workerData: cells });
}
