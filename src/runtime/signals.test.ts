import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { onTermination, type SignalSource } from './signals.ts';

function source(): SignalSource & { codes: number[]; send(signal: NodeJS.Signals): boolean } {
  const emitter = new EventEmitter();
  const codes: number[] = [];
  return {
    on: (signal, listener) => emitter.on(signal, listener),
    off: (signal, listener) => emitter.off(signal, listener),
    exit: (code) => codes.push(code),
    send: (signal) => emitter.emit(signal, signal),
    codes,
  };
}

test('the first signal asks once for a graceful end, the second ends the process with its code', () => {
  const fake = source();
  const asked: string[] = [];
  onTermination((signal) => asked.push(signal), fake);

  fake.send('SIGINT');
  expect(fake.codes).toEqual([]);
  fake.send('SIGTERM');

  expect(asked).toEqual(['SIGINT']);
  expect(fake.codes).toEqual([143]);
});

test('after stopping, signals have their usual effect again', () => {
  const fake = source();
  const stop = onTermination(() => undefined, fake);

  stop();

  expect(fake.send('SIGTERM')).toBe(false);
});
