import { expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { Gate, gateOf } from './gate.ts';

const clock = new FakeClock();
const never = new AbortController().signal;
const turn = (): Promise<void> => clock.advance(0);

test('whoever may have company enters at once, as long as nobody is alone', async () => {
  const gate = new Gate();
  gate.enter();
  gate.enter();

  expect([gate.isOpen, gate.isTaken]).toEqual([true, false]);
});

test('who must be alone waits until all have left, and more work is not welcome meanwhile', async () => {
  const gate = new Gate();
  gate.enter();
  gate.enter();
  let admitted: boolean | null = null;
  void gate.beAlone(clock, 1_000, never).then((is) => {
    admitted = is;
  });
  gate.leave();
  await turn();
  expect([admitted, gate.isOpen, gate.isTaken]).toEqual([null, false, false]);

  gate.leave();
  await turn();

  expect([admitted, gate.isOpen, gate.isTaken]).toEqual([true, false, true]);
  gate.leaveAlone();
  expect([gate.isOpen, gate.isTaken]).toEqual([true, false]);
});

test('those that come in the same turn go before one that must be alone', async () => {
  const gate = new Gate();
  let admitted = false;
  void gate.beAlone(clock, 1_000, never).then((is) => {
    admitted = is;
  });
  gate.enter();
  await turn();
  expect(admitted).toBe(false);

  gate.leave();
  await turn();
  expect(admitted).toBe(true);
});

test('two that must be alone are so one after the other', async () => {
  const gate = new Gate();
  const order: string[] = [];
  for (const name of ['first', 'second']) {
    void gate.beAlone(clock, 1_000, never).then(() => order.push(name));
  }
  await turn();
  expect(order).toEqual(['first']);

  gate.leaveAlone();
  await turn();
  expect(order).toEqual(['first', 'second']);
});

test('nobody waits longer than it said, and then more work is welcome again', async () => {
  const gate = new Gate();
  let opened = 0;
  gate.onOpen(() => {
    opened += 1;
  });
  gate.enter();
  const admitted = gate.beAlone(clock, 1_000, never);
  await clock.advance(999);
  expect([gate.isOpen, opened]).toEqual([false, 0]);

  await clock.advance(1);

  expect(await admitted).toBe(false);
  expect([gate.isOpen, opened]).toEqual([true, 1]);
  gate.leave();
  expect(opened).toBe(1);
});

test('who is told to stop does not wait any longer', async () => {
  const gate = new Gate();
  const stop = new AbortController();
  gate.enter();
  const admitted = gate.beAlone(clock, 1_000, stop.signal);
  stop.abort();

  expect(await admitted).toBe(false);
  expect(await gate.beAlone(clock, 1_000, stop.signal)).toBe(false);
  expect(gate.isOpen).toBe(true);
});

test('who was alone and has company again keeps the next one waiting like everybody else', async () => {
  const gate = new Gate();
  await gate.beAlone(clock, 1_000, never);
  gate.haveCompany();
  expect([gate.isOpen, gate.isTaken]).toEqual([true, false]);
  let admitted = false;
  void gate.beAlone(clock, 1_000, never).then((is) => {
    admitted = is;
  });
  await turn();
  expect(admitted).toBe(false);

  gate.leave();
  await turn();
  expect(admitted).toBe(true);
});

test('a process has one gate, and one that is acted out has its own', async () => {
  const { systemClock } = await import('../runtime/clock.ts');
  const acted = { clock };

  expect(gateOf({ clock: systemClock })).toBe(gateOf({ clock: systemClock }));
  expect(gateOf(acted)).toBe(gateOf(acted));
  expect(gateOf(acted)).not.toBe(gateOf({ clock }));
});
