/** Histories written by hand: a store's and a few processes' doings, a line of code each. */

import { type CheckReport, checkHistory } from '../../src/history/index.ts';
import type { HistoryLine, LoggedAdd, LoggedFault, LoggedGrant, Scope } from '../../src/history/line.ts';

const LEASE_MS = 1_000;
const START_AT = 1_700_000_000_000;

type Grant = Partial<LoggedGrant> & { readonly id: string; readonly token: number };
type Row = { readonly row: string; readonly value: Record<string, unknown> };

/** Every call takes a millisecond, the next comes a little later; `at` moves the clock on. */
export class Story {
  readonly lines: HistoryLine[] = [];
  readonly #seqs = new Map<string, number>();
  #now = 0;
  #claims = 0;

  readonly #store: string;

  constructor(scope: Scope = { complete: true, faultsKnown: true }, store = 'sqlite') {
    this.#store = store;
    for (const process of ['p', 'w1', 'w2']) this.head(process);
    if (Object.keys(scope).length > 0) this.event('nemesis', 'scope', scope);
  }

  get now(): number {
    return this.#now;
  }

  at(ms: number): this {
    this.#now = ms;
    return this;
  }

  head(process: string, pid = 1, boot: string | null = 'boot'): this {
    return this.#line(process, 'head', 'history', {
      args: { version: 1, host: 'h', boot, pid, store: this.#store },
    });
  }

  event(process: string, op: string, args: unknown): this {
    return this.#line(process, 'event', op, { args });
  }

  fault(fault: Partial<LoggedFault>): this {
    return this.event('nemesis', 'fault', {
      id: `f${this.lines.length}`,
      fault: 'kill',
      target: 'w1',
      ...fault,
    });
  }

  /** `answer` undefined: it never came. */
  call(
    process: string,
    op: string,
    args: unknown,
    answer: unknown,
    end: 'ok' | 'fail' | 'info' = 'ok',
  ): this {
    this.#line(process, 'invoke', op, { args });
    const call = this.lines.at(-1)?.seq ?? 0;
    this.#now += 1;
    if (answer !== undefined) this.#line(process, end, op, { call, answer });
    this.#now += 0.5;
    return this;
  }

  add(
    id: string,
    more: Partial<LoggedAdd> & { readonly outcome?: string; readonly requestId?: string } = {},
  ): this {
    const { outcome = 'created', requestId, ...job } = more;
    const args = { requestId, effects: [{ op: 'add', jobs: [added(id, job)] }] };
    if (outcome === 'refused') return this.call('p', 'apply', args, { error: 'InvalidOptionError' }, 'fail');
    if (outcome === 'unknown') return this.call('p', 'apply', args, undefined);
    return this.call('p', 'apply', args, [{ op: 'add', jobs: [{ id, outcome }] }]);
  }

  effect(process: string, effect: Record<string, unknown>, outcome = 'ok'): this {
    return this.call(process, 'apply', { effects: [effect] }, [{ op: effect['op'], outcome }]);
  }

  claim(process: string, grants: readonly Grant[], more: Record<string, unknown> = {}): this {
    const claimId = `c${++this.#claims}`;
    const request = {
      claimId,
      queue: 'q',
      limit: 8,
      worker: `session-${process}`,
      leaseMs: LEASE_MS,
      ...more,
    };
    const jobs = grants.map((grant) => granted(grant, START_AT + this.#now));
    return this.call(process, 'claim', [request], [{ claimId: request.claimId, jobs }]);
  }

  run(process: string, id: string, token: number): this {
    return this.event(process, 'run-start', { queue: 'q', id, token, worker: `session-${process}` });
  }

  settle(process: string, id: string, token: number, more: Record<string, unknown> = {}): this {
    const { outcome = 'ok', state = null, ...rest } = more;
    const settlement = { queue: 'q', id, token, to: 'completed', mode: 'strict', ...rest };
    const args = { settle: [settlement], claim: [] };
    if (outcome === 'unknown') return this.call(process, 'commit', args, undefined);
    return this.call(process, 'commit', args, { settled: [{ outcome, state }], claimed: [] });
  }

  renew(process: string, id: string, token: number, outcome = 'ok', cancel = false): this {
    const args = { leases: [{ queue: 'q', id, token }], leaseMs: LEASE_MS };
    return this.call(process, 'renew', args, [{ outcome, ...(cancel && { cancel }) }]);
  }

  reclaim(process: string, id: string, token: number, more: Record<string, unknown> = {}): this {
    const reclaimed = [
      { queue: 'q', id, token, worker: 'session-w1', crashes: 1, state: 'waiting', ...more },
    ];
    const answer = { led: true, promoted: 0, reclaimed, expired: 0, pruned: 0, operated: 0 };
    return this.call(process, 'upkeep', { holder: process, reclaim: true }, answer);
  }

  dump(...rows: Row[]): this {
    this.#line('w2', 'invoke', 'dump', {});
    const dump = this.lines.at(-1)?.seq ?? 0;
    for (const row of rows) this.event('w2', 'row', { dump, ...row });
    this.#now += 1;
    return this.#line('w2', 'ok', 'dump', { call: dump });
  }

  check(): CheckReport {
    return checkHistory(this.lines);
  }

  /** Ids of the checks that found something, each once. */
  broken(): string[] {
    return [...new Set(this.check().violations.map(({ check }) => check))].sort();
  }

  #line(process: string, kind: HistoryLine['kind'], op: string, rest: Partial<HistoryLine>): this {
    const seq = (this.#seqs.get(process) ?? 0) + 1;
    this.#seqs.set(process, seq);
    this.lines.push({ seq, mono: this.#now, wall: START_AT + this.#now, process, kind, op, ...rest });
    return this;
  }
}

export function added(id: string, more: Partial<LoggedAdd> = {}): LoggedAdd {
  return { queue: 'q', id, body: 'b', attempts: 3, ...more };
}

function granted(grant: Grant, claimedAt: number): LoggedGrant {
  return {
    ...{ queue: 'q', body: 'b', addedAt: START_AT, claimedAt, readyAt: START_AT, rank: 1 },
    ...{ generation: 1, claims: 1, attempts: 3 },
    ...grant,
  };
}

export function job(id: string, more: Record<string, unknown> = {}): Row {
  const times = { addedAt: START_AT, readyAt: START_AT, dueAt: null, finishedAt: null };
  const counters = { generation: 1, claims: 0, failures: 0, crashes: 0, token: 0 };
  const rest = { cause: null, from: null, hasError: false };
  return {
    row: 'job',
    value: { queue: 'q', id, state: 'waiting', body: 'b', ...times, ...counters, ...rest, ...more },
  };
}

export function attempt(id: string, token: number, more: Record<string, unknown> = {}): Row {
  const times = { startedAt: START_AT, endedAt: START_AT };
  const what = {
    number: token,
    generation: 1,
    worker: 'session-w1',
    outcome: 'completed',
    retryAfterMs: null,
  };
  return { row: 'attempt', value: { queue: 'q', id, token, ...times, ...what, hasError: false, ...more } };
}

const NONE = {
  waiting: 0,
  delayed: 0,
  blocked: 0,
  active: 0,
  parked: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
};

export function queue(counts: Partial<typeof NONE>, more: Record<string, unknown> = {}): Row {
  const all = { ...NONE, ...counts };
  const added = Object.values(all).reduce((sum, count) => sum + count, 0);
  const value = { queue: 'q', counts: all, totals: { added, removed: 0 }, settings: settings(), ...more };
  return { row: 'queue', value };
}

const UNBOUND = { ageMs: null, count: null };

export function settings(completed: Record<string, number | null> = UNBOUND): Record<string, unknown> {
  const retention = { completed, failed: UNBOUND, cancelled: UNBOUND };
  return { paused: false, delivery: 'at-least-once', maxCrashes: 3, retention };
}

/** A job that is added, claimed, run, completed and still there; nothing is wrong with it. */
export function good(): Story {
  return new Story()
    .add('a')
    .claim('w1', [{ id: 'a', token: 1 }])
    .run('w1', 'a', 1)
    .settle('w1', 'a', 1)
    .dump(queue({ completed: 1 }), job('a', { state: 'completed', claims: 1, token: 1 }), attempt('a', 1));
}

/** Its first worker is killed; the second takes over once the lease is over. */
export function recovered(): Story {
  return new Story()
    .add('a')
    .claim('w1', [{ id: 'a', token: 1 }])
    .run('w1', 'a', 1)
    .fault({ fault: 'kill', target: 'w1' })
    .at(1_500)
    .reclaim('w2', 'a', 1)
    .claim('w2', [{ id: 'a', token: 2, claims: 2, crashes: 1 }])
    .run('w2', 'a', 2)
    .settle('w2', 'a', 2);
}
