import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../store/memory/index.ts';
import type { Store } from '../../store/store.ts';
import { describeStore } from './describe-store.ts';
import type { Runner, StoreHarness } from './scene.ts';

interface Registered {
  readonly name: string;
  readonly body: () => Promise<void>;
  readonly skipped: boolean;
}

/** Takes down what is registered instead of running it. */
function collecting(): { readonly runner: Runner; readonly cases: Registered[] } {
  const cases: Registered[] = [];
  const register = (skipped: boolean) => (name: string, body: () => Promise<void>) =>
    cases.push({ name, body, skipped });
  const runner = {
    describe: (_name: string, body: () => void) => body(),
    it: Object.assign(register(false), { skip: register(true) }),
  };
  return { runner, cases };
}

const memory: StoreHarness = { name: 'memory', open: async (clock) => memoryStore({ clock }) };
const CASE = 'a call without effects does nothing';

function caseOf(harness: StoreHarness, name: string): Registered {
  const { runner, cases } = collecting();
  describeStore(harness, runner);
  const found = cases.find((each) => each.name.startsWith(name));
  assert.ok(found !== undefined);
  return found;
}

describe('describeStore', () => {
  it('registers each case under a name of its own', () => {
    const { runner, cases } = collecting();
    describeStore(memory, runner);

    expect(cases.length).toBeGreaterThan(300);
    expect(new Set(cases.map((each) => each.name)).size).toBe(cases.length);
  });

  it('lists an exempt case as skipped, with its reason', () => {
    const found = caseOf({ ...memory, exempt: { [CASE]: 'not today' } }, CASE);

    expect(found).toMatchObject({ name: `${CASE} (skipped: not today)`, skipped: true });
  });

  it('refuses an exemption of a case that does not exist', () => {
    const exempt = { 'a case that was renamed': 'not today' };

    expect(() => describeStore({ ...memory, exempt }, collecting().runner)).toThrow(/that was renamed/);
  });

  it('skips the cases about reopening where nothing outlives the store', () => {
    const name = 'tokens go on rising after the store was closed';

    expect(caseOf(memory, name).skipped).toBe(true);
    expect(caseOf({ ...memory, reopen: memory.open }, name).skipped).toBe(false);
  });

  it('passes a store that keeps the contract and fails one that does not', async () => {
    const forgetful: StoreHarness = {
      name: 'forgetful',
      open: async (clock) => ({ ...memoryStore({ clock }), apply: async () => [] }),
    };
    const name = 'a job without delay waits at once, untouched';

    await caseOf(memory, name).body();
    await expect(caseOf(forgetful, name).body()).rejects.toThrow();
  });

  it('fails a case after which the books do not balance, and closes the store all the same', async () => {
    let closed = 0;
    const open: StoreHarness['open'] = async (clock): Promise<Store> => ({
      ...memoryStore({ clock }),
      verify: async () => [{ severity: 'error', check: 'counts', message: 'off by one', advice: '' }],
      close: async () => {
        closed += 1;
      },
    });

    await expect(caseOf({ name: 'wrong', open }, CASE).body()).rejects.toThrow(/verify/);
    expect(closed).toBe(1);
  });
});
