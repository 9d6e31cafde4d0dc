import { expect, test } from 'vitest';
import type { LeaseRef } from '../job/record.ts';
import type { RenewResult } from '../store/store.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { LeaseKeeper } from './lease-keeper.ts';

const LEASE_MS = 30_000;
const OK: RenewResult = { outcome: 'ok', cancelReason: null };

interface World {
  readonly clock: FakeClock;
  readonly keeper: LeaseKeeper;
  /** Tokens of each call. */
  readonly calls: { readonly atMs: number; readonly tokens: readonly number[] }[];
  readonly news: string[];
  /** What the store answers, by token. */
  answer: (lease: LeaseRef) => RenewResult | Promise<RenewResult>;
  hold(token: number, sinceMs?: number): void;
}

function world(): World {
  const clock = new FakeClock();
  const calls: World['calls'] = [];
  const news: string[] = [];
  const keeper = new LeaseKeeper({
    clock,
    leaseMs: LEASE_MS,
    renew: (leases) => {
      calls.push({ atMs: clock.monotonic(), tokens: leases.map(({ token }) => token) });
      return Promise.all(leases.map((lease) => it.answer(lease)));
    },
    onRenewed: () => news.push('renewed'),
    onFault: (error) => news.push(`fault: ${error.message}`),
  });
  const it: World = {
    clock,
    keeper,
    calls,
    news,
    answer: () => OK,
    hold: (token, sinceMs = clock.monotonic()) =>
      keeper.hold(
        {
          lease: { queue: 'mail', id: `job-${token}`, token },
          lost: (why) => news.push(`lost ${token}: ${why}`),
          cancel: (reason) => news.push(`cancel ${token}: ${reason}`),
        },
        sinceMs,
      ),
  };
  return it;
}

test('all leases are renewed by one call, three times a lease', async () => {
  const { clock, calls, hold } = world();
  for (let token = 1; token <= 50; token++) hold(token);

  await clock.advance(60_000);

  expect(calls.map(({ atMs }) => atMs)).toEqual([10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
  expect(calls.every(({ tokens }) => tokens.length === 50)).toBe(true);
});

test('more leases than one call may carry are renewed by several', async () => {
  const { clock, calls, hold } = world();
  for (let token = 1; token <= 1_500; token++) hold(token);

  await clock.advance(10_000);

  expect(calls.map(({ tokens }) => tokens.length)).toEqual([1_000, 500]);
});

test('a lease that was released is not renewed, and without leases there is no timer', async () => {
  const { clock, keeper, calls, hold } = world();
  hold(1);
  hold(2);
  keeper.release(1);
  await clock.advance(10_000);
  expect(calls.map(({ tokens }) => tokens)).toEqual([[2]]);

  keeper.release(2);
  await clock.advance(60_000);
  expect(calls.length).toBe(1);
  expect(clock.timers).toBe(0);

  hold(3);
  await clock.advance(10_000);
  expect(calls.at(-1)?.tokens).toEqual([3]);
});

test.each(['superseded', 'gone', 'timed-out'] as const)(
  'a lease that is %s is given up and told',
  async (outcome) => {
    const it = world();
    it.answer = ({ token }) => (token === 1 ? { outcome, cancelReason: null } : OK);
    it.hold(1);
    it.hold(2);

    await it.clock.advance(20_000);

    expect(it.news.filter((line) => line.startsWith('lost'))).toEqual([`lost 1: ${outcome}`]);
    expect(it.calls.map(({ tokens }) => tokens)).toEqual([[1, 2], [2]]);
    expect([it.keeper.holds(1), it.keeper.holds(2)]).toEqual([false, true]);
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

test('while the store is away renewals are repeated sooner, and a lease is given up at its end, not later', async () => {
  const it = world();
  it.answer = () => Promise.reject(new Error('away'));
  it.hold(1);

  await it.clock.advance(LEASE_MS - 1);
  expect(it.keeper.holds(1)).toBe(true);
  expect(it.calls.length).toBe(8);
  await it.clock.advance(1);

  expect(it.keeper.holds(1)).toBe(false);
  expect(it.news.at(-1)).toBe('lost 1: it could not be renewed in time');
});

test('a renewal that comes through in time keeps the lease, counted from when it was asked for', async () => {
  const it = world();
  let away = true;
  it.answer = () => (away ? Promise.reject(new Error('away')) : OK);
  it.hold(1);
  await it.clock.advance(LEASE_MS - 3_000);

  away = false;
  await it.clock.advance(2_999);
  away = true;
  const renewedAtMs = it.calls.at(-1)?.atMs ?? 0;
  await it.clock.advance(renewedAtMs + LEASE_MS - 1 - it.clock.monotonic());
  expect(it.keeper.holds(1)).toBe(true);
  await it.clock.advance(1);

  expect(it.keeper.holds(1)).toBe(false);
});

test('an answer that never comes does not keep a lease', async () => {
  const it = world();
  it.answer = () => new Promise(() => undefined);
  it.hold(1);

  await it.clock.advance(LEASE_MS);

  expect(it.news).toEqual(['lost 1: it could not be renewed in time']);
});

test('after an answer that never came renewals go on for the leases that come later', async () => {
  const it = world();
  it.answer = () => new Promise(() => undefined);
  it.hold(1);
  await it.clock.advance(LEASE_MS);
  it.answer = () => OK;
  it.hold(2);

  await it.clock.advance(2 * LEASE_MS);

  expect(it.keeper.holds(2)).toBe(true);
  expect(it.news).toContain(`fault: a renewal of leases was not answered within ${LEASE_MS} ms.`);
});

test('the deadline counts from the request of the claim, however late its answer came', async () => {
  const it = world();
  it.hold(1);
  await it.clock.advance(11_000);
  const before = it.calls.length;
  it.answer = () => Promise.reject(new Error('away'));

  it.hold(2, it.clock.monotonic() - 25_000);
  await it.clock.advance(0);
  expect(it.calls.length).toBe(before + 1);
  await it.clock.advance(5_000);

  expect([it.keeper.holds(1), it.keeper.holds(2)]).toEqual([true, false]);
});

test('a hint that a job shall stop renews at once; hints that may mean anything once a second', async () => {
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

test('after stop nothing is kept, told or timed', async () => {
  const it = world();
  it.answer = () => ({ outcome: 'gone', cancelReason: null });
  it.hold(1);
  it.keeper.hint(true);

  it.keeper.stop();
  await it.clock.advance(60_000);

  expect(it.news.filter((line) => line.startsWith('lost'))).toEqual([]);
  expect(it.clock.timers).toBe(0);
});
