import { once } from 'node:events';
import { expect, test } from 'vitest';
import { asError, Emitter } from './emitter.ts';

type Events = { error: [error: Error]; said: [text: string, times: number] };

class Speaker extends Emitter<Events> {
  say(text: string, times = 1): boolean {
    return this.emit('said', text, times);
  }

  fail(error: Error): boolean {
    return this.emit('error', error);
  }
}

function speaker(): { speaker: Speaker; unheard: Error[] } {
  const unheard: Error[] = [];
  return { speaker: new Speaker((error) => unheard.push(error)), unheard };
}

test('listeners get the arguments in the order of their coming', () => {
  const { speaker: it } = speaker();
  const heard: string[] = [];
  it.on('said', (text, times) => heard.push(`a:${text}:${times}`)).on('said', (text) =>
    heard.push(`b:${text}`),
  );

  expect(it.say('hello', 2)).toBe(true);

  expect(heard).toEqual(['a:hello:2', 'b:hello']);
});

test('once hears one event, also when it emits the same event again', () => {
  const { speaker: it } = speaker();
  const heard: string[] = [];
  it.once('said', (text) => {
    heard.push(text);
    it.say('again');
  });

  it.say('first');
  it.say('second');

  expect(heard).toEqual(['first']);
});

test('off removes one registration of the listener', () => {
  const { speaker: it } = speaker();
  let calls = 0;
  const listener = (): void => {
    calls += 1;
  };
  it.on('said', listener)
    .on('said', listener)
    .off('said', listener)
    .removeListener('said', () => undefined);

  it.say('x');

  expect(calls).toBe(1);
  expect(it.listenerCount('said')).toBe(1);
  expect(it.off('said', listener).say('y')).toBe(false);
});

test('a listener that throws does not keep the others from hearing, and its error goes to error', () => {
  const { speaker: it } = speaker();
  const errors: string[] = [];
  const heard: string[] = [];
  it.on('error', (error) => errors.push(error.message));
  it.on('said', () => {
    throw new Error('broken listener');
  });
  it.on('said', (text) => heard.push(text));

  it.say('hello');

  expect(heard).toEqual(['hello']);
  expect(errors).toEqual(['broken listener']);
});

test('a listener that rejects is reported as error too', async () => {
  const { speaker: it } = speaker();
  const failed = new Promise<Error>((resolve) => it.on('error', resolve));
  it.on('said', async () => {
    throw 'not even an error';
  });

  it.say('hello');

  expect((await failed).message).toBe('not even an error');
});

test('an error without a listener goes to onUnheard instead of being thrown', () => {
  const { speaker: it, unheard } = speaker();

  expect(it.fail(new Error('nobody listens'))).toBe(false);

  expect(unheard.map((error) => error.message)).toEqual(['nobody listens']);
});

test('a listener of error that throws ends at onUnheard, not in a circle', () => {
  const { speaker: it, unheard } = speaker();
  it.on('error', () => {
    throw new Error('worse');
  });

  it.fail(new Error('bad'));

  expect(unheard.map((error) => error.message)).toEqual(['worse']);
});

test('once of node:events works on it', async () => {
  const { speaker: it } = speaker();
  const waiting = once(it as never, 'said');

  it.say('hello', 3);

  expect(await waiting).toEqual(['hello', 3]);
  expect(it.listenerCount('said')).toBe(0);
});

test('asError survives values that cannot be shown', () => {
  const bare = Object.create(null) as object;
  expect(asError(bare).cause).toBe(bare);
});
