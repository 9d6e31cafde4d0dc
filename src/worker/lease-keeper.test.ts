import { expect, test } from 'vitest';
import type { LeaseRef } from '../job/record.ts';
import type { RenewResult } from '../store/store.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { LeaseKeeper } from './lease-keeper.ts';

const LEASE_MS = 30_000;
const OK: RenewResult = { outcome: 'ok', cancelReason: null };
const away = (): Promise<never> => Promise.reject(new Error('away'));

interface World {
  readonly clock: FakeClock;
  readonly keeper: LeaseKeeper;
  /** Tokens of each look. */
  readonly calls: { readonly atMs: number; readonly tokens: readonly number[] }[];
  readonly news: string[];
  /** When the last beat that was answered was sent. */
  ackedMs: number;
  gaps: number;
  /** Leases of this worker, as the store has them. */
  there: LeaseRef[];
  /** What the store does when the keeper itself beats. */
  beat: () => Promise<void>;
  /** What the store answers, by token. */
  answer: (lease: LeaseRef) => RenewResult | Promise<RenewResult>;
  hold(token: number): void;
  /** The process stands still: time passes and no timer fires. */
  pause(ms: number): Promise<void>;
}

/** Somebody else beats the session twelve times a lease, as long as it is not told to stop. */
function world({ beating = true } = {}): World {
  const clock = new FakeClock();
  const calls: World['calls'] = [];
  const news: string[] = [];
  const session = {
    get untilMs() {
      return it.ackedMs + LEASE_MS;
    },
    get gaps() {
      return it.gaps;
    },
    beat: () => it.beat(),
  };
  const keeper = new LeaseKeeper({
    ...{ clock, leaseMs: LEASE_MS, session },
    renew: (leases, leaseMs) => {
      const tokens = leases.map(({ token }) => token);
      if (leaseMs === 0) news.push(`ended ${tokens}`);
      else calls.push({ atMs: clock.monotonic(), tokens });
      return Promise.all(leases.map((lease) => it.answer(lease)));
    },
    leases: async () => it.there,
    handBack: async ({ token }) => news.push(`handed back ${token}`),
    onRenewed: () => news.push('renewed'),
    onFault: (error) => news.push(`fault: ${error.message}`),
  });
  const it: World = {
    ...{ clock, keeper, calls, news, ackedMs: clock.monotonic(), gaps: 0, there: [] },
    beat: async () => {
      it.gaps += 1;
      it.ackedMs = clock.monotonic();
    },
    answer: () => OK,
    hold: (token) =>
      keeper.hold(
        {
          lease: { queue: 'mail', id: `job-${token}`, token },
          lost: (why) => news.push(`lost ${token}: ${why}`),
          cancel: (reason) => news.push(`cancel ${token}: ${reason}`),
        },
        it.gaps,
      ),
    pause: async (ms) => {
      clock.stall(ms);
      await clock.advance(0);
    },
  };
  const beatOn = (): void => {
    it.ackedMs = clock.monotonic();
    clock.after(LEASE_MS / 12, beatOn);
  };
  if (beating) beatOn();
  return it;
}

const lostOf = ({ news }: World): string[] => news.filter((line) => line.startsWith('lost'));

test('all leases are looked at by one call, three times a lease', async () => {
  const { clock, calls, hold } = world();
  for (let token = 1; token <= 50; token++) hold(token);

  await clock.advance(60_000);

  expect(calls.map(({ atMs }) => atMs)).toEqual([10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
  expect(calls.every(({ tokens }) => tokens.length === 50)).toBe(true);
});

test('more leases than one call may carry are looked at by several', async () => {
  const { clock, calls, hold } = world();
  for (let token = 1; token <= 1_500; token++) hold(token);

  await clock.advance(10_000);

  expect(calls.map(({ tokens }) => tokens.length)).toEqual([1_000, 500]);
});

test('a lease that was released is not looked at, and without leases there is no timer', async () => {
  const it = world({ beating: false });
  it.hold(1);
  it.hold(2);
  it.keeper.release(1);
  await it.clock.advance(10_000);
  expect(it.calls.map(({ tokens }) => tokens)).toEqual([[2]]);

  it.keeper.release(2);
  await it.clock.advance(60_000);
  expect([it.calls.length, it.clock.timers]).toEqual([1, 0]);

  it.ackedMs = it.clock.monotonic();
  it.hold(3);
  await it.clock.advance(10_000);
  expect(it.calls.at(-1)?.tokens).toEqual([3]);
});

test.each(['superseded', 'gone', 'timed-out'] as const)(
  'a lease that is %s is given up and told',
  async (outcome) => {
    const it = world();
    it.answer = ({ token }) => (token === 1 ? { outcome, cancelReason: null } : OK);
    it.hold(1);
    it.hold(2);

    await it.clock.advance(20_000);

    expect(lostOf(it)).toEqual([`lost 1: ${outcome}`]);
    expect(it.calls.map(({ tokens }) => tokens)).toEqual([[1, 2], [2]]);
    expect([it.keeper.holds(1), it.keeper.holds(2), it.keeper.lost]).toEqual([false, true, 1]);
  },
);

test('a request to stop is passed on', async () => {
  const it = world();
  it.answer = () => ({ outcome: 'ok', cancelReason: 'customer left' });
  it.hold(1);

  await it.clock.advance(10_000);

  expect(it.news).toContain('cancel 1: customer left');
  expect(it.keeper.holds(1)).toBe(true);
});

test('leases live as long as the session beats, though the store does not answer anything else', async () => {
  const it = world();
  it.answer = away;
  it.hold(1);

  await it.clock.advance(10 * LEASE_MS);

  expect(it.keeper.holds(1)).toBe(true);
  expect(lostOf(it)).toEqual([]);
});

test('leases are given up a lease after the last beat that was answered was sent, not later', async () => {
  const it = world({ beating: false });
  it.beat = away;
  it.answer = away;
  await it.clock.advance(5_000);
  it.hold(1);
  it.hold(2);

  await it.clock.advance(LEASE_MS - 5_000 - 1);
  expect([it.keeper.holds(1), it.keeper.isUnbroken(0)]).toEqual([true, true]);
  await it.clock.advance(1);

  expect(it.keeper.isUnbroken(0)).toBe(false);
  const why = 'its worker could not reach the store in time';
  expect(lostOf(it)).toEqual([`lost 1: ${why}`, `lost 2: ${why}`]);
});

test('an answer that never comes does not keep a lease', async () => {
  const it = world({ beating: false });
  it.answer = () => new Promise(() => undefined);
  it.hold(1);

  await it.clock.advance(LEASE_MS);

  expect(lostOf(it)).toHaveLength(1);
});

test('after an answer that never came looks go on for the leases that come later', async () => {
  const it = world();
  it.answer = () => new Promise(() => undefined);
  it.hold(1);
  await it.clock.advance(LEASE_MS);
  it.answer = () => OK;
  it.hold(2);

  await it.clock.advance(2 * LEASE_MS);

  expect(it.calls.at(-1)?.tokens).toEqual([1, 2]);
  expect(it.news).toContain(`fault: the store did not say within ${LEASE_MS} ms which leases hold.`);
});

test('after a pause longer than the lease the session beats, and the store is asked, before anything is given up', async () => {
  const it = world({ beating: false });
  it.answer = ({ token }) => (token === 1 ? { outcome: 'superseded', cancelReason: null } : OK);
  it.hold(1);
  it.hold(2);

  await it.pause(3 * LEASE_MS);

  expect(lostOf(it)).toEqual(['lost 1: superseded']);
  expect([it.keeper.holds(2), it.keeper.isUnbroken(1)]).toEqual([true, true]);
  expect(it.gaps).toBe(1);
});

test('a pause that begins while the store is being asked is a pause like any other', async () => {
  const it = world({ beating: false });
  it.hold(1);
  it.answer = () => new Promise(() => undefined);
  it.keeper.hint(true);
  await it.clock.advance(LEASE_MS / 4);
  it.answer = () => OK;

  await it.pause(3 * LEASE_MS);

  expect([lostOf(it), it.keeper.isUnbroken(it.gaps)]).toEqual([[], true]);
});

test('after a pause in which the store went away, leases are given up soon', async () => {
  const it = world({ beating: false });
  it.hold(1);
  it.answer = () => new Promise(() => undefined);
  it.beat = () => new Promise(() => undefined);
  await it.pause(3 * LEASE_MS);
  expect(it.keeper.holds(1)).toBe(true);

  await it.clock.advance(LEASE_MS / 6);

  expect(it.keeper.holds(1)).toBe(false);
});

test('what was given up without the word of the store is ended there, as soon as it answers', async () => {
  const it = world({ beating: false });
  it.beat = away;
  it.answer = away;
  it.hold(1);
  const ended = (): string[] => it.news.filter((line) => line.startsWith('ended'));
  await it.clock.advance(2 * LEASE_MS);
  expect([it.keeper.size, ended()]).toEqual([0, []]);

  it.answer = () => OK;
  it.ackedMs = it.clock.monotonic();
  await it.clock.advance(LEASE_MS / 2);

  expect(ended()).toEqual(['ended 1']);
  expect(it.clock.timers).toBe(0);
});

test('leases of before a gap in the session count only when the store has confirmed them', async () => {
  const it = world();
  it.hold(1);
  it.gaps = 1;
  it.hold(2);
  expect([it.keeper.isUnbroken(0), it.keeper.isUnbroken(1)]).toEqual([false, true]);
  it.answer = ({ token }) => (token === 1 ? { outcome: 'superseded', cancelReason: null } : OK);

  await it.keeper.catchUp();
  await it.keeper.catchUp();

  expect(lostOf(it)).toEqual(['lost 1: superseded']);
  expect(it.calls.length).toBe(1);
});

test('verify asks the store every time, and says what it says', async () => {
  const it = world();
  it.hold(1);
  expect(await it.keeper.verify(1)).toBe(true);
  expect(it.calls.length).toBe(1);

  it.answer = away;
  await expect(it.keeper.verify(1)).rejects.toThrow('away');
  it.answer = () => ({ outcome: 'gone', cancelReason: null });
  expect(await it.keeper.verify(1)).toBe(false);

  expect(lostOf(it)).toEqual(['lost 1: gone']);
});

test('verify begins a look of its own when one is under way already', async () => {
  const it = world();
  it.hold(1);
  let answers = 0;
  it.answer = async () => (answers++ === 0 ? OK : { outcome: 'superseded', cancelReason: null });
  it.keeper.hint(true);

  expect(await it.keeper.verify(1)).toBe(false);
});

test('confirm answers which leases hold, and beats first when the session is over', async () => {
  const it = world({ beating: false });
  it.answer = ({ token }) => (token === 1 ? { outcome: 'superseded', cancelReason: null } : OK);
  await it.clock.advance(LEASE_MS);
  const leases = [1, 2].map((token) => ({ queue: 'mail', id: `job-${token}`, token }));

  const { tokens, gaps } = await it.keeper.confirm(leases);

  expect([...tokens]).toEqual([2]);
  expect([gaps, it.ackedMs]).toEqual([1, LEASE_MS]);
});

test('a hint that a job shall stop looks at once; hints that may mean anything once a second', async () => {
  const it = world();
  it.keeper.hint(true);
  expect(it.calls.length).toBe(0);
  it.hold(1);

  it.keeper.hint(true);
  it.keeper.hint(true);
  it.keeper.hint(true);
  await it.clock.advance(0);
  expect(it.calls.length).toBe(2);

  for (let ms = 0; ms < 3_000; ms += 100) {
    it.keeper.hint(false);
    await it.clock.advance(100);
  }
  expect(it.calls.length).toBeLessThanOrEqual(5);
  expect(it.calls.length).toBeGreaterThanOrEqual(4);
});

test('a lease that was granted and never came here is handed back by the second look, and refused later', async () => {
  const it = world();
  it.keeper.start();
  it.there = [1, 2].map((token) => ({ queue: 'mail', id: `job-${token}`, token }));
  it.hold(1);

  await it.clock.advance(10_000);
  expect(it.news).not.toContain('handed back 2');
  await it.clock.advance(10_000);

  expect(it.news.filter((line) => line.startsWith('handed'))).toEqual(['handed back 2']);
  expect([it.keeper.disowns(1), it.keeper.disowns(2)]).toEqual([false, true]);
});

test('after stop nothing is kept, told or timed', async () => {
  const it = world({ beating: false });
  it.answer = () => ({ outcome: 'gone', cancelReason: null });
  it.hold(1);
  it.keeper.hint(true);

  it.keeper.stop();
  await it.clock.advance(60_000);

  expect(lostOf(it)).toEqual([]);
  expect(it.clock.timers).toBe(0);
});
