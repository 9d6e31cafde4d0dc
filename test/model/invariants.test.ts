/** Random histories on one store, watched from outside: the promises that hold whatever happens. */

import assert from 'node:assert/strict';
import { sqliteStore } from 'millrace/sqlite';
import { FakeClock, memoryStore } from 'millrace/testing';
import { describe, it } from 'vitest';
import type { ClaimAnswer, Claimed, CommitAnswer, Store } from '../../src/store/store.ts';
import { command } from './arbitrary-command.ts';
import type { Command } from './command.ts';
import {
  booksBalance,
  endsAreFinal,
  grantsAreDue,
  grantsAreInOrder,
  historiesAreSound,
  type Moment,
  nothingMoves,
  totalsRise,
  upkeepIsCareful,
} from './invariant.ts';
import { callOf, pass } from './play.ts';
import { effortOf, holds } from './runs.ts';
import { EMPTY, snapshotOf } from './snapshot.ts';
import { learn, newWorld } from './world.ts';

const CHANGING: readonly Command['kind'][] = ['add', 'apply', 'claim', 'commit', 'endSession', 'upkeep'];

async function watchOver(open: (clock: FakeClock) => Store, commands: readonly Command[]): Promise<void> {
  const clock = new FakeClock();
  const player = { store: open(clock), cursor: null };
  const world = newWorld();
  let before = EMPTY;
  let lastToken = 0;
  try {
    for (const each of commands) {
      await pass(clock, each);
      const known = new Set(world.leases.map(({ token }) => token));
      const answer = await callOf(world, each)(player);
      const after = await snapshotOf(player.store);
      const moment: Moment = { before, after, nowMs: clock.now() };
      lastToken = judge(moment, each, { answer, known, lastToken });
      learn(world, answersOf(each, answer));
      before = after;
    }
    await historiesAreSound(player.store, before);
    assert.deepEqual(await player.store.verify(), []);
  } finally {
    await player.store.close();
  }
}

interface Told {
  readonly answer: unknown;
  /** Tokens that callers have already: a repeated claim gives them again. */
  readonly known: ReadonlySet<number>;
  readonly lastToken: number;
}

/** Answers the newest token. */
function judge(moment: Moment, each: Command, { answer, known, lastToken }: Told): number {
  booksBalance(moment.after);
  totalsRise(moment, removedBy(each));
  endsAreFinal(moment);
  if (!CHANGING.includes(each.kind)) nothingMoves(moment);
  if (each.kind === 'upkeep') upkeepIsCareful(moment);
  const grants = answersOf(each, answer)
    .flatMap(({ jobs }): readonly Claimed[] => jobs)
    .filter(({ lease }) => !known.has(lease.token));
  if (each.kind !== 'claim') return Math.max(lastToken, ...grants.map(({ lease }) => lease.token));
  const fresh = [...new Map(grants.map((grant) => [grant.lease.token, grant])).values()];
  grantsAreInOrder(moment, fresh);
  return grantsAreDue(moment, fresh, lastToken);
}

/** Queues that a command takes away, be it for a moment: the totals of one that is made again begin anew. */
function removedBy(each: Command): ReadonlySet<string> {
  const settlements = each.kind === 'commit' ? each.settlements : [];
  const choices = each.kind === 'apply' ? each.effects : settlements.flatMap(({ effects }) => effects);
  return new Set(choices.flatMap(({ effect }) => (effect.op === 'obliterate' ? [effect.queue] : [])));
}

function answersOf({ kind }: Command, answer: unknown): readonly ClaimAnswer[] {
  if (kind === 'claim') return answer as ClaimAnswer[];
  return kind === 'commit' ? (answer as CommitAnswer).claimed : [];
}

const STORES: Readonly<Record<string, (clock: FakeClock) => Store>> = {
  'the memory store': (clock) => memoryStore({ clock }),
  'the SQLite store': (clock) => sqliteStore({ path: ':memory:', clock, engine: 'inline' }),
};

describe.each(Object.keys(STORES))('%s', (name) => {
  it('keeps its promises in every history', async () => {
    const open = STORES[name];
    assert.ok(open !== undefined);

    await holds(effortOf(100), command, (commands) => watchOver(open, commands));
  });
});
