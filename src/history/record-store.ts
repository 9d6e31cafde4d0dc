/** A store that tells its history: every call as it leaves, and what became of it. */

import { MillraceError, StoreCorruptError, StoreUnavailableError } from '../errors.ts';
import type { DumpRow, Store } from '../store/store.ts';
import type { History } from './history.ts';
import {
  leaseOf,
  nameOf,
  reduceClaim,
  reduceClaimAnswer,
  reduceEffect,
  reduceRenewal,
  reduceResult,
  reduceSettlement,
} from './reduce.ts';
import { reduceRecord, reduceRow } from './reduce-row.ts';

/** The answers of most reads say nothing that a check could use. */
const NOTHING = (): undefined => undefined;

/**
 * The same store, with its history told to `history`. What it records is reduced: see `docs/reference/history.md`.
 */
export function recordStore(store: Store, history: History): Store {
  const call = recorder(history);
  return {
    kind: store.kind,
    can: store.can,
    ...writesOf(store, call),
    ...readsOf(store, call),
    watch: (queues, onNews) =>
      call(
        'watch',
        () => ({ queues }),
        () => store.watch(queues, onNews),
        NOTHING,
      ),
    dump: () => recordDump(store, history),
    close: () => call('close', NOTHING, () => store.close(), NOTHING),
  };
}

type Call = <T>(
  op: string,
  reduceArgs: () => unknown,
  make: () => Promise<T>,
  reduce: (answer: T) => unknown,
) => Promise<T>;

function recorder(history: History): Call {
  return async (op, reduceArgs, make, reduce) => {
    const number = history.invoke(op, argsOf(reduceArgs));
    try {
      const answer = await make();
      history.end('ok', op, number, reduce(answer));
      return answer;
    } catch (thrown) {
      history.end(isRefusal(thrown) ? 'fail' : 'info', op, number, { error: nameOfError(thrown) });
      throw thrown;
    }
  };
}

/** What is malformed is refused by the store's guard, whose error says what is wrong with it. */
function argsOf(reduceArgs: () => unknown): unknown {
  try {
    return reduceArgs();
  } catch {
    return { malformed: true };
  }
}

/** Whether nothing was written, for sure. An error that is not one of ours may have come at any moment. */
export function isRefusal(thrown: unknown): boolean {
  const unsure = thrown instanceof StoreUnavailableError || thrown instanceof StoreCorruptError;
  return thrown instanceof MillraceError && !unsure;
}

/** No messages: they may quote what was passed. */
function nameOfError(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : typeof thrown;
}

function writesOf(
  store: Store,
  call: Call,
): Pick<Store, 'apply' | 'claim' | 'commit' | 'renew' | 'beat' | 'openPulse' | 'endSession' | 'upkeep'> {
  return {
    apply: (effects, options) =>
      call(
        'apply',
        () => ({
          ...(options?.requestId !== undefined && { requestId: options.requestId }),
          ...(options?.tx !== undefined && { tx: true }),
          effects: effects.map(reduceEffect),
        }),
        () => store.apply(effects, options),
        (results) => results.map(reduceResult),
      ),
    claim: (requests) =>
      call(
        'claim',
        () => requests.map(reduceClaim),
        () => store.claim(requests),
        (answers) => answers.map(reduceClaimAnswer),
      ),
    commit: (settlements, claims) =>
      call(
        'commit',
        () => ({ settle: settlements.map(reduceSettlement), claim: (claims ?? []).map(reduceClaim) }),
        () => store.commit(settlements, claims),
        ({ settled, claimed }) => ({ settled, claimed: claimed.map(reduceClaimAnswer) }),
      ),
    renew: (leases, leaseMs) =>
      call(
        'renew',
        () => ({ leases: leases.map(leaseOf), leaseMs }),
        () => store.renew(leases, leaseMs),
        (results) => results.map(reduceRenewal),
      ),
    beat: (sessions) =>
      call(
        'beat',
        () => sessions.map(({ id, ttlMs }) => ({ id, ttlMs })),
        () => store.beat(sessions),
        (results) => results.map(({ outcome }) => outcome),
      ),
    openPulse: async () => (await store.openPulse?.()) ?? null,
    endSession: (id) =>
      call(
        'endSession',
        () => id,
        () => store.endSession(id),
        (ended) => ended,
      ),
    upkeep: (budget) =>
      call(
        'upkeep',
        () => ({ holder: budget.holder, reclaim: budget.reclaim }),
        () => store.upkeep(budget),
        ({ more: _, nextDueInMs: __, suspicionMs: ___, ...report }) => report,
      ),
  };
}

type Reads = Pick<
  Store,
  | 'durability'
  | 'job'
  | 'attempts'
  | 'logs'
  | 'find'
  | 'queues'
  | 'stats'
  | 'sessions'
  | 'leases'
  | 'feed'
  | 'operations'
  | 'audit'
  | 'verify'
  | 'doctor'
>;

function readsOf(store: Store, call: Call): Reads {
  return {
    durability: () =>
      call(
        'durability',
        NOTHING,
        () => store.durability(),
        (answer) => answer,
      ),
    job: (ref) =>
      call(
        'job',
        () => nameOf(ref),
        () => store.job(ref),
        (job) => (job === null ? null : reduceRecord(job)),
      ),
    attempts: (ref) =>
      call(
        'attempts',
        () => nameOf(ref),
        () => store.attempts(ref),
        NOTHING,
      ),
    logs: (ref, after, limit) =>
      call(
        'logs',
        () => nameOf(ref),
        () => store.logs(ref, after, limit),
        NOTHING,
      ),
    find: (filter, page) => call('find', NOTHING, () => store.find(filter, page), NOTHING),
    queues: (names) =>
      call(
        'queues',
        () => names,
        () => store.queues(names),
        (found) => found.map(({ queue, counts, totals }) => ({ queue, counts, totals })),
      ),
    stats: (request) => call('stats', NOTHING, () => store.stats(request), NOTHING),
    leases: (session) =>
      call(
        'leases',
        () => session,
        () => store.leases(session),
        NOTHING,
      ),
    sessions: () => call('sessions', NOTHING, () => store.sessions(), NOTHING),
    feed: (request) =>
      call(
        'feed',
        () => ({ queues: request.queues, after: request.after }),
        () => store.feed(request),
        ({ changes, cursor, complete }) => ({
          ...{ cursor, complete },
          changes: changes.map(({ cursor: at, kind, queue, id }) => ({ cursor: at, kind, queue, id })),
        }),
      ),
    operations: () => call('operations', NOTHING, () => store.operations(), NOTHING),
    audit: (limit) => call('audit', NOTHING, () => store.audit(limit), NOTHING),
    verify: () =>
      call(
        'verify',
        NOTHING,
        () => store.verify(),
        (findings) => findings.map(({ check }) => check),
      ),
    doctor: () => call('doctor', NOTHING, () => store.doctor(), NOTHING),
  };
}

/** Row by row, so that a large store needs no large line. What is between its begin and its end is one dump. */
async function* recordDump(store: Store, history: History): AsyncGenerator<DumpRow> {
  const number = history.invoke('dump');
  try {
    for await (const row of store.dump()) {
      const reduced = reduceRow(row);
      if (reduced !== null) history.event('row', { dump: number, ...reduced });
      yield row;
    }
    history.end('ok', 'dump', number);
  } catch (thrown) {
    history.end('info', 'dump', number, { error: nameOfError(thrown) });
    throw thrown;
  }
}
