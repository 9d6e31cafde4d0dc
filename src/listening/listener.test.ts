import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Random } from '../runtime/random.ts';
import type { Hint } from '../store/store.ts';
import { Watchers } from '../store/watchers.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { Listener, type Subscriber, type Subscription } from './listener.ts';

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
  #ears: Subscriber[] = [];

  readonly subscribe = async (parts: Subscriber): Promise<Subscription> => {
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
let messages: string[];
let listener: Listener;

function listen(
  subscribe: typeof line.subscribe | null = line.subscribe,
  isMarkEarly = false,
): Promise<void> {
  const watchers = new Watchers();
  watchers.add(['q'], (hint) => hints.push(hint));
  const { publish, look: mark } = line;
  const onHearing = (): void => {
    line.heardFrom += 1;
  };
  const onMessage = (message: string): void => {
    messages.push(message);
  };
  const pace = { aliveMs: 2_000, answerMs: 2_000, firstBackoffMs: 50, maxBackoffMs: 1_000 };
  const told = { onMessage, onHearing, watchers };
  const parts = { ...told, subscribe, publish, mark, isMarkEarly, pace, clock, random };
  listener = new Listener(parts);
  return listener.start();
}

beforeEach(() => {
  clock = new FakeClock();
  line = new Line();
  hints = [];
  messages = [];
});

afterEach(() => listener.stop());

/** As hints are told, in words. */
const heard = async (ms = 0): Promise<string[]> => {
  await clock.advance(ms);
  return hints.splice(0).map(({ news, queue }) => `${news} ${queue}`);
};

describe('a listener', () => {
  test('hands on what it hears but its own pings, and tells nothing at its start', async () => {
    await listen();
    for (const message of ['ready q', 'ping of another', '']) await line.publish(message);

    expect(messages).toEqual(['ready q', 'ping of another', '']);
    expect(await heard()).toEqual([]);
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
    await line.publish('ready q');
    expect(messages).toEqual(['ready q']);
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
    await heard();
    expect(line.made).toBe(1);
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

  test('tells a change twice where its mark may be early', async () => {
    await listen(null, true);
    await heard(1_000);
    line.mark = 'b';

    expect(await heard(1_000)).toEqual(['unknown q', 'unknown q']);
  });

  test('looks without a connection of its own where none is wanted', async () => {
    await listen(null);
    await heard(1_000);
    line.mark = 'b';

    expect(await heard(1_000)).toContain('unknown q');
    expect(line.made).toBe(0);
  });
});
