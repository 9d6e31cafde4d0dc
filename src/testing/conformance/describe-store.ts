import assert from 'node:assert/strict';
import type { Store } from '../../store/store.ts';
import { FakeClock } from '../fake-clock.ts';
import type { CaseBody, Need, Runner, Scene, StoreHarness, Topic } from './scene.ts';
import { TOPICS } from './topics.ts';

interface Case {
  readonly topic: string;
  readonly name: string;
  readonly body: CaseBody;
  readonly need: Need | null;
}

/**
 * Holds a store against the contract, case by case, each on a store and a clock of its own. Every case ends with
 * `verify`, which must find nothing.
 *
 * ```ts
 * describeStore({ name: 'memory', open: async (clock) => memoryStore({ clock }) }, { describe, it });
 * ```
 *
 * @param runner `describe` and `it` of Vitest or of `node:test`.
 */
export function describeStore(harness: StoreHarness, runner: Runner): void {
  const cases = collect();
  refuseUnknown(harness, cases);
  for (const topic of Object.keys(TOPICS)) {
    runner.describe(`${harness.name}: ${topic}`, () => {
      for (const each of cases) if (each.topic === topic) register(harness, runner, each);
    });
  }
}

function register(harness: StoreHarness, runner: Runner, { name, body, need }: Case): void {
  const reason = whyNot(harness, name, need);
  const run = (): Promise<void> => play(harness, body);
  if (reason === null) runner.it(name, run);
  else runner.it.skip(`${name} (skipped: ${reason})`, run);
}

function whyNot(harness: StoreHarness, name: string, need: Need | null): string | null {
  const exempt = harness.exempt?.[name];
  if (exempt !== undefined) return exempt;
  return need === 'reopen' && harness.reopen === undefined ? 'nothing outlives this store' : null;
}

async function play(harness: StoreHarness, body: CaseBody): Promise<void> {
  const clock = new FakeClock();
  const opened: Store[] = [];
  const open = async (store: Promise<Store>): Promise<Store> => {
    opened.push(await store);
    return store;
  };
  const scene: Scene = {
    store: await open(harness.open(clock)),
    clock,
    reopen: async () => {
      if (harness.reopen === undefined) throw new Error('the harness has no way to reopen its store');
      return open(harness.reopen(clock));
    },
  };
  try {
    await body(scene);
    await verifyLast(opened);
  } finally {
    for (const store of opened) await store.close();
  }
}

/** Whatever a case did, the books of the store must balance; a case that closed its stores has nothing to show. */
async function verifyLast(opened: readonly Store[]): Promise<void> {
  const store = opened.at(-1);
  if (store === undefined) return;
  const findings = await store.verify().catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'MILLRACE_CLOSED') return [];
    throw error;
  });
  assert.deepEqual(findings, [], 'verify found something');
}

function collect(): Case[] {
  const cases: Case[] = [];
  const names = new Set<string>();
  for (const [topic, describeTopic] of Object.entries<Topic>(TOPICS)) {
    describeTopic((name, body, need) => {
      if (names.has(name)) throw new Error(`two cases are called "${name}"`);
      names.add(name);
      cases.push({ topic, name, body, need: need ?? null });
    });
  }
  return cases;
}

/** An exemption of a case that is not there any more would hide nothing and mislead. */
function refuseUnknown({ name, exempt = {} }: StoreHarness, cases: readonly Case[]): void {
  const unknown = Object.keys(exempt).filter((exempted) => !cases.some((each) => each.name === exempted));
  if (unknown.length > 0) throw new Error(`${name} exempts cases that do not exist: ${unknown.join('; ')}`);
}
