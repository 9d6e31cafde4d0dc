import type { FakeClock } from 'millrace/testing';
import type { JobRecord, LeaseRef } from '../../src/job/record.ts';
import type {
  ApplyOptions,
  ClaimRequest,
  Effect,
  JobPage,
  Settlement,
  Store,
} from '../../src/store/store.ts';
import type { Command } from './command.ts';
import { claimsOf, effectOf, leaseOf, settlementOf, type World } from './world.ts';

/** A call that can be made of several stores. Each call of the maker uses up what it needs of the world, once. */
export type Call = (player: Player) => Promise<unknown>;

/** A store with what its own reader knows. */
export interface Player {
  readonly store: Store;
  cursor: number | null;
}

const PAGES = 200;

/** What a command means in this world. */
export function callOf(world: World, command: Command): Call {
  switch (command.kind) {
    case 'add':
      return applying([{ op: 'add', jobs: command.jobs }], optionsOf(command.requestId, null));
    case 'apply': {
      const effects = command.effects.map((effect) => effectOf(world, effect));
      return applying(effects, optionsOf(command.requestId, command.actor));
    }
    case 'claim':
      return claiming(claimsOf(world, command.claims));
    case 'commit': {
      const settlements = command.settlements.map((settlement) => settlementOf(world, settlement));
      return committing(settlements, claimsOf(world, command.claims));
    }
    case 'renew': {
      const leases: LeaseRef[] = command.leases.map((lease) => leaseOf(world, lease));
      return ({ store }) => store.renew(leases, command.leaseMs);
    }
    case 'beat':
      return ({ store }) => store.beat(command.sessions);
    case 'endSession':
      return ({ store }) => store.endSession(command.id);
    case 'upkeep':
      return ({ store }) => store.upkeep(command.budget);
    default:
      return reading(command);
  }
}

function optionsOf(requestId: string | null, actor: string | null): ApplyOptions {
  return { ...(requestId === null ? {} : { requestId }), ...(actor === null ? {} : { actor }) };
}

const applying =
  (effects: readonly Effect[], options: ApplyOptions): Call =>
  ({ store }) =>
    store.apply(effects, options);

const claiming =
  (claims: readonly ClaimRequest[]): Call =>
  ({ store }) =>
    store.claim(claims);

const committing =
  (settlements: readonly Settlement[], claims: readonly ClaimRequest[]): Call =>
  ({ store }) =>
    store.commit(settlements, claims);

function reading(command: Command): Call {
  switch (command.kind) {
    case 'job':
      return ({ store }) => store.job(command.ref);
    case 'attempts':
      return ({ store }) => store.attempts(command.ref);
    case 'logs':
      return ({ store }) => store.logs(command.ref, command.after, command.limit);
    case 'find':
      return ({ store }) => findAll(store, command);
    case 'queues':
      return ({ store }) => store.queues(command.names ?? undefined);
    case 'stats':
      return ({ store }) => store.stats(command.request);
    case 'feed':
      return (player) => readFeed(player, command);
    case 'lists':
      return ({ store }) => listsOf(store);
    default:
      return async () => null;
  }
}

/** Cursors are opaque and differ from store to store, so they are followed to the end and only the jobs compared. */
async function findAll(store: Store, command: Extract<Command, { kind: 'find' }>): Promise<JobRecord[]> {
  const { filter, limit, order } = command;
  const jobs: JobRecord[] = [];
  let cursor: string | null = null;
  for (let n = 0; n < PAGES; n += 1) {
    const page: JobPage = await store.find(filter, { cursor, limit, order });
    jobs.push(...page.jobs);
    cursor = page.cursor;
    if (cursor === null) return jobs;
  }
  throw new Error('the cursor of a search leads nowhere');
}

async function readFeed(player: Player, command: Extract<Command, { kind: 'feed' }>): Promise<unknown> {
  const after = { now: null, start: 0, cursor: player.cursor }[command.from];
  const page = await player.store.feed({ ...command.request, after });
  player.cursor = page.cursor;
  return page;
}

async function listsOf(store: Store): Promise<unknown> {
  const operations = (await store.operations()).map(({ scanned: _scanned, ...operation }) => operation);
  return { operations, sessions: await store.sessions(), audit: await store.audit(100) };
}

/** Time passes for all stores of a run together. */
export async function pass(clock: FakeClock, command: Command): Promise<void> {
  if (command.kind === 'advance') await clock.advance(command.ms);
  if (command.kind === 'shift') clock.shift(command.ms);
}
