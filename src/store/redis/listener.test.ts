import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Random } from '../../runtime/random.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import type { Hint } from '../store.ts';
import { Watchers } from '../watchers.ts';
import type { RedisSubscriber, SubscribeParts } from './driver.ts';
import { Listener } from './listener.ts';

/** The server, as far as one can hear it. */
class Line {
  isUp = true;
  /** Nothing that is published arrives. */
  isDeaf = false;
  /** Neither an answer nor a farewell. */
  isFrozen = false;
  made = 0;
  heardFrom = 0;
  mark = 'a';
  #ears: SubscribeParts[] = [];

  readonly subscribe = async (parts: SubscribeParts): Promise<RedisSubscriber> => {
    if (!this.isUp) throw new Error('refused');
    this.made += 1;
    this.#ears.push(parts);
    return {
      ping: () => (this.isFrozen ? new Promise(() => undefined) : Promise.resolve()),
      cutOff: () => {
        this.#ears = this.#ears.filter((ear) => ear !== parts);
      },
    };
  };

  readonly publish = async (message: string): Promise<void> => {
    if (!this.isUp) throw new Error('refused');
    if (!this.isDeaf) for (const { onMessage } of this.#ears) onMessage(message);
  };

  readonly look = async (): Promise<string> => {
    if (!this.isUp) throw new Error('refused');
    return this.mark;
  };

  cut(): void {
    for (const { onGone } of this.#ears.splice(0)) onGone();
  }
}

const random: Random = { fraction: () => 0.5, bytes: (length) => new Uint8Array(length) };

let clock: FakeClock;
let line: Line;
let hints: Hint[];
let listener: Listener;

function listen(subscribe: typeof line.subscribe | null = line.subscribe): Promise<void> {
  const watchers = new Watchers();
  watchers.add(['q'], (hint) => hints.push(hint));
  const { publish, look: mark } = line;
  const onHearing = (): void => {
    line.heardFrom += 1;
  };
  const parts = { channel: 'news', me: 'me', subscribe, publish, mark, watchers, onHearing, clock, random };
  listener = new Listener(parts);
  return listener.start();
}

beforeEach(() => {
  clock = new FakeClock();
  line = new Line();
  hints = [];
});

afterEach(() => listener.stop());

/** As hints are told, in words. */
const heard = async (ms = 0): Promise<string[]> => {
  await clock.advance(ms);
  return hints.splice(0).map(({ news, queue }) => `${news} ${queue}`);
};

describe('a listener', () => {
  test('tells what it hears of the queues that are watched, and nothing at its start', async () => {
    await listen();
    for (const message of [
      'you q ready other ready q cancel',
      'me q ended',
      'ping x',
      'you q later-word',
      '',
    ])
      await line.publish(message);

    expect(await heard()).toEqual(['ready q', 'cancel q']);
    expect(listener.isHearing).toBe(true);
  });

  test('that was cut off comes back, and says that something may have been missed', async () => {
    await listen();
    line.cut();
    await clock.advance(0);
    expect(listener.isHearing).toBe(false);

    expect(await heard(1_000)).toContain('unknown q');
    expect(listener.isHearing).toBe(true);
    expect(line.heardFrom).toBe(2);
    await line.publish('you q ready');
    expect(await heard()).toEqual(['ready q']);
  });

  test('finds out a connection that is silent for ever', async () => {
    await listen();
    line.isFrozen = true;
    await clock.advance(20_000);
    line.isFrozen = false;
    await clock.advance(5_000);

    expect(line.made).toBeGreaterThan(1);
    expect(listener.isHearing).toBe(true);
  });

  test('tries again with longer pauses while the server is away, and looks as soon as it is back', async () => {
    await listen();
    line.isUp = false;
    line.cut();
    await clock.advance(60_000);
    expect(await heard()).not.toContain('ready q');
    line.isUp = true;

    expect(await heard(10_000)).toContain('unknown q');
    expect(listener.isHearing).toBe(true);
  });
});

describe('one that cannot hear', () => {
  test('finds that out by calling itself, gives the connection back, and looks instead', async () => {
    line.isDeaf = true;
    const started = listen();
    await clock.advance(3_000);
    await started;
    expect(listener.isHearing).toBe(false);
    await heard(1_000);
    expect(await heard(1_000)).toEqual([]);

    line.mark = 'b';
    expect(await heard(1_000)).toEqual(['unknown q']);
    expect(line.made).toBe(1);
  });

  test('looks without a connection of its own where none is wanted', async () => {
    await listen(null);
    await heard(1_000);
    line.mark = 'b';

    expect(await heard(1_000)).toContain('unknown q');
    expect(line.made).toBe(0);
  });
});
