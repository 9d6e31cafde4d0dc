import { expect, test } from 'vitest';
import type { BeatResult, Session } from '../store/store.ts';
import { session } from '../testing/conformance/support.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { Beater } from './beater.ts';
import { Sheet } from './sheet.ts';

const TTL_MS = 30_000;
const MAX_BLOCK_MS = 60_000;

interface World {
  readonly clock: FakeClock;
  readonly beater: Beater;
  /** Every call: when, and which sessions. */
  readonly calls: [number, ...string[]][];
  readonly sent: Session[];
  readonly faults: string[];
  /** What the store answers. */
  answer: (sessions: readonly Session[]) => Promise<readonly (BeatResult | null)[]>;
  /** A session whose event loop turns, until its name is in `silent`. */
  join(id: string, options?: { ttlMs?: number; held?: number; maxBlockMs?: number }): Sheet;
  readonly silent: Set<string>;
}

const kept = async (sessions: readonly Session[]): Promise<BeatResult[]> =>
  sessions.map(() => ({ outcome: 'kept' }));

function world({ standsIn = false } = {}): World {
  const clock = new FakeClock();
  const it: World = {
    ...{ clock, calls: [], sent: [], faults: [], answer: kept, silent: new Set() },
    beater: new Beater({
      ...{ clock, standsIn },
      beat: (sessions) => {
        it.calls.push([clock.monotonic(), ...sessions.map(({ id }) => id)]);
        it.sent.push(...sessions);
        return it.answer(sessions);
      },
      onFault: (error, ids) => it.faults.push(`${ids}: ${error.message}`),
    }),
    join: (id, { ttlMs = TTL_MS, held = 1, maxBlockMs = MAX_BLOCK_MS } = {}) => {
      const sheet = new Sheet();
      const turn = (): void => {
        if (!it.silent.has(id)) sheet.signal(clock.monotonic(), { slots: 4, busy: 2, held, lagMs: 1.5 });
        clock.after(250, turn);
      };
      turn();
      const askedMs = clock.monotonic();
      sheet.acknowledge({ outcome: 'begun', ttlMs, askedMs, answeredMs: askedMs });
      it.beater.keep({ session: session({ id, ttlMs }), maxBlockMs, sheet: sheet.buffer });
      return sheet;
    },
  };
  return it;
}

test('a session with leases beats twelve times in its life, one without three times', async () => {
  const it = world();
  it.join('busy');
  await it.clock.advance(TTL_MS);
  expect(it.calls.map(([atMs]) => atMs)).toEqual(Array.from({ length: 12 }, (_, n) => (n + 1) * 2_500));

  const idle = world();
  idle.join('idle', { held: 0 });
  await idle.clock.advance(TTL_MS);
  expect(idle.calls.map(([atMs]) => atMs)).toEqual([10_000, 20_000, 30_000]);
});

test('all sessions of a process beat by one call, at the pace of the shortest', async () => {
  const it = world();
  it.join('short', { ttlMs: 1_200 });
  it.join('long', { held: 0 });

  await it.clock.advance(200);

  expect(it.calls).toEqual([
    [100, 'short', 'long'],
    [200, 'short', 'long'],
  ]);
});

test('what the registry shows comes from the event loop of the application', async () => {
  const it = world();
  it.join('w', { maxBlockMs: 60_000 });
  await it.clock.advance(2_500);
  expect(it.sent.at(-1)).toMatchObject({
    queues: [{ queue: 'mail', slots: 4, busy: 2 }].map((entry) => ({ ...entry, queue: expect.any(String) })),
    lagMs: 1.5,
  });

  it.silent.add('w');
  await it.clock.advance(10_000);

  expect(it.sent.at(-1)?.lagMs).toBe(10_000);
});

test('a session whose event loop is silent beats up to its bound, and again when the loop turns again', async () => {
  const it = world();
  const sheet = it.join('blocked', { maxBlockMs: 20_000 });
  it.join('turns', { held: 0 });
  it.silent.add('blocked');

  await it.clock.advance(20_000);
  expect(it.calls.at(-1)).toEqual([20_000, 'blocked', 'turns']);
  await it.clock.advance(40_000);
  expect(it.calls.filter(([atMs, ...ids]) => atMs > 20_000 && ids.includes('blocked'))).toEqual([]);
  expect(it.calls.at(-1)).toEqual([60_000, 'turns']);
  expect([sheet.ackedMs, sheet.gaps]).toEqual([20_000, 0]);

  it.silent.delete('blocked');
  it.answer = async (sessions) =>
    sessions.map(({ id }) => ({ outcome: id === 'blocked' ? 'begun' : 'kept' }));
  await it.clock.advance(5_000);

  expect([sheet.ackedMs > 60_000, sheet.gaps > 0]).toEqual([true, true]);
});

test('a beat that fails is told and tried again at the next tick, also by sessions without leases', async () => {
  const it = world();
  const sheet = it.join('w', { held: 0 });
  it.answer = () => Promise.reject(new Error('away'));

  await it.clock.advance(15_000);
  expect(it.calls.map(([atMs]) => atMs)).toEqual([10_000, 12_500, 15_000]);
  expect(it.faults).toEqual(['w: away', 'w: away', 'w: away']);
  expect(sheet.ackedMs).toBe(0);
  it.answer = kept;
  await it.clock.advance(2_500);

  expect([sheet.ackedMs, sheet.gaps]).toEqual([17_500, 0]);
});

test('what is acknowledged is when the beat was sent, not when it was answered', async () => {
  const it = world();
  const sheet = it.join('w');
  it.answer = async (sessions) => {
    await new Promise<void>((resolve) => it.clock.after(2_000, resolve));
    return kept(sessions);
  };

  await it.clock.advance(4_499);
  expect(sheet.ackedMs).toBe(0);
  await it.clock.advance(1);

  expect(sheet.ackedMs).toBe(2_500);
});

test('a beat that is answered after the life of the session is a gap, whatever the store says', async () => {
  const it = world();
  const sheet = it.join('w', { maxBlockMs: 10 * TTL_MS });
  it.clock.stall(2 * TTL_MS);
  await it.clock.advance(0);

  expect([sheet.ackedMs, sheet.gaps]).toEqual([2 * TTL_MS, 1]);
});

test('a call that is never answered is not the last one', async () => {
  const it = world();
  it.join('w');
  it.answer = () => new Promise(() => undefined);

  await it.clock.advance(2 * TTL_MS);

  expect(it.calls.length).toBeGreaterThan(4);
  expect(new Set(it.faults)).toEqual(
    new Set([`w: the store did not answer a heartbeat within ${TTL_MS / 4} ms.`]),
  );
});

test('after drop no beat is under way and none comes, and the timer goes with the last session', async () => {
  const it = world();
  it.join('stays');
  it.join('goes');
  let resolve = (): void => undefined;
  it.answer = async (sessions) => {
    await new Promise<void>((done) => {
      resolve = done;
    });
    return kept(sessions);
  };
  await it.clock.advance(2_500);
  let dropped = false;
  const drop = it.beater.drop('goes').then(() => {
    dropped = true;
  });
  await it.clock.advance(0);
  expect(dropped).toBe(false);

  resolve();
  await drop;
  it.answer = kept;
  await it.clock.advance(5_000);
  expect(it.calls.slice(1).map(([, ...ids]) => ids)).toEqual([['stays'], ['stays']]);

  await it.beater.drop('stays');
  const { length } = it.calls;
  await it.clock.advance(TTL_MS);
  expect(it.calls.length).toBe(length);
});

test('sessions that come and go do not put off the beat of those that stay', async () => {
  const it = world();
  it.join('stays');
  for (let n = 0; n < 10; n += 1) {
    await it.clock.advance(1_000);
    it.join(`brief-${n}`, { held: 0 });
    await it.beater.drop(`brief-${n}`);
  }

  expect(it.calls.map(([atMs]) => atMs)).toEqual([2_500, 5_000, 7_500, 10_000]);
});

test('who stands in beats only while the event loop is silent, before a suspicion gets old, and up to its bound', async () => {
  const it = world({ standsIn: true });
  const sheet = it.join('w', { maxBlockMs: 20_000 });
  // The other one, on the application's thread.
  const own = (): void => {
    if (it.silent.has('w')) return;
    const askedMs = it.clock.monotonic();
    sheet.acknowledge({ outcome: 'kept', ttlMs: TTL_MS, askedMs, answeredMs: askedMs });
    it.clock.after(2_500, own);
  };
  own();
  await it.clock.advance(2 * TTL_MS);
  expect(it.calls).toEqual([]);

  const fromMs = it.clock.monotonic();
  it.silent.add('w');
  await it.clock.advance(60_000);

  const times = it.calls.map(([atMs]) => atMs - fromMs);
  expect(times.length).toBeGreaterThan(6);
  const gaps = times.map((atMs, index) => atMs - (times[index - 1] ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(3_000);
  expect(times.at(-1)).toBeLessThanOrEqual(20_000);
});

test('nothing is acknowledged for a session that is not known where it is beaten', async () => {
  const it = world();
  const [known, unknown] = [it.join('known'), it.join('unknown')];
  it.answer = async (sessions) => sessions.map(({ id }) => (id === 'known' ? { outcome: 'kept' } : null));

  await it.clock.advance(5_000);

  expect([known.ackedMs, unknown.ackedMs, unknown.gaps]).toEqual([5_000, 0, 0]);
});
