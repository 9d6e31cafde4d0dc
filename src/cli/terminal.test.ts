import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { processTerminal, wantsColour } from './terminal.ts';

test('NO_COLOR wins over everything, FORCE_COLOR over what the stream is', () => {
  expect(wantsColour({}, true)).toBe(true);
  expect(wantsColour({}, false)).toBe(false);
  expect(wantsColour({ TERM: 'dumb' }, true)).toBe(false);
  expect(wantsColour({ NO_COLOR: '1', FORCE_COLOR: '1' }, true)).toBe(false);
  expect(wantsColour({ NO_COLOR: '' }, true)).toBe(true);
  expect(wantsColour({ FORCE_COLOR: '1' }, false)).toBe(true);
  expect(wantsColour({ FORCE_COLOR: '0' }, true)).toBe(false);
});

class FakeStream extends EventEmitter {
  readonly isTTY = false;
  readonly written: string[] = [];

  write(text: string): boolean {
    this.written.push(text);
    return true;
  }
}

test('when the reader of a pipe has gone, nothing more is written and nothing is thrown', () => {
  const stdout = new FakeStream();
  const fake = { stdout, stderr: new FakeStream(), stdin: new FakeStream(), env: {} };
  const terminal = processTerminal(fake as unknown as NodeJS.Process);
  terminal.out.write('one');

  stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  terminal.out.write('two');

  expect(stdout.written).toEqual(['one']);
  expect(terminal.unread.aborted).toBe(true);
});
