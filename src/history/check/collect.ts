/** From lines to evidence. */

import type {
  ApplyArgs,
  CommitArgs,
  HistoryLine,
  LoggedClaim,
  LoggedClaimAnswer,
  LoggedCommit,
  LoggedEffect,
  LoggedRenewal,
  LoggedResult,
  LoggedUpkeep,
  RenewArgs,
} from '../line.ts';
import { Events } from './events.ts';
import { type Added, type Call, type Evidence, keyOf } from './evidence.ts';
import { Grants } from './grants.ts';
import { push } from './push.ts';
import { DEFAULT_TOLERANCE_MS } from './times.ts';

export interface CollectOptions {
  /** How far clocks of different machines may disagree. Default 1 s. */
  readonly toleranceMs?: number;
  /** The lines stand in the order in which all of it happened, as those of a simulation do. */
  readonly ordered?: boolean;
}

type Mutable<M> = M extends ReadonlyMap<infer K, readonly (infer V)[]> ? Map<K, V[]> : never;

/** The lines of each process must come in their order; those of different processes may come in any. */
export function collect(lines: readonly HistoryLine[], options: CollectOptions = {}): Evidence {
  const events = new Events(lines, options.toleranceMs ?? DEFAULT_TOLERANCE_MS);
  const calls = callsOf(lines, events.at);
  const collected = new Collector();
  for (const call of calls) collected.take(call);
  const { adds, settled, writes, reclaimed, moves, movesById, queueMoves, endings, beats, grants } =
    collected;
  const unknown = calls.filter((call) => outcomeOf(call) === 'unknown');
  return {
    lines,
    positions: options.ordered === true ? new Map(lines.map((line, index) => [line, index])) : null,
    ...events.evidence(),
    calls,
    ...{ adds, settled, writes, reclaimed, moves, movesById, queueMoves, endings, beats },
    grants: grants.byToken,
    claims: grants.firstCalls,
    unknownClaims: unknown.filter(mayClaim),
    unknownUpkeep: unknown.filter(({ begin }) => begin.op === 'upkeep'),
    twins: grants.twins,
    lives: grants.lives(),
  };
}

/** In the order in which they were begun. */
function callsOf(lines: readonly HistoryLine[], at: (line: HistoryLine) => number): Call[] {
  const ends = new Map<string, HistoryLine>();
  for (const line of lines) if (line.call !== undefined) ends.set(`${line.process} ${line.call}`, line);
  return lines
    .filter((line) => line.kind === 'invoke')
    .map((begin) => ({ begin, end: ends.get(`${begin.process} ${begin.seq}`) ?? null }))
    .sort((one, other) => at(one.begin) - at(other.begin));
}

export function mayClaim({ begin }: Call): boolean {
  return begin.op === 'claim' || (begin.op === 'commit' && (begin.args as CommitArgs).claim.length > 0);
}

/** The answer, if there was one; what was refused is told apart from what is not known. */
function outcomeOf({ end }: Call): 'ok' | 'refused' | 'unknown' {
  if (end === null || end.kind === 'info') return 'unknown';
  return end.kind === 'fail' ? 'refused' : 'ok';
}

class Collector {
  readonly adds: Mutable<Evidence['adds']> = new Map();
  readonly settled: Mutable<Evidence['settled']> = new Map();
  readonly writes: Mutable<Evidence['writes']> = new Map();
  readonly reclaimed: Mutable<Evidence['reclaimed']> = new Map();
  readonly moves: Mutable<Evidence['moves']> = new Map();
  readonly movesById: Mutable<Evidence['movesById']> = new Map();
  readonly queueMoves: Mutable<Evidence['queueMoves']> = new Map();
  readonly endings: Mutable<Evidence['endings']> = new Map();
  readonly beats: Mutable<Evidence['beats']> = new Map();
  readonly grants: Grants = new Grants();
  readonly #requests = new Map<string, Call>();

  take(call: Call): void {
    const { op, args } = call.begin;
    // Refused by the guard: it never came to the store.
    if (Object(args).malformed === true) return;
    if (op === 'apply') this.#apply(call);
    else if (op === 'claim')
      this.#claims(call, args as LoggedClaim[], answerOf<LoggedClaimAnswer[]>(call) ?? []);
    else if (op === 'commit') this.#commit(call);
    else if (op === 'renew') this.#renew(call);
    else if (op === 'beat')
      for (const { id } of args as { readonly id: string }[]) push(this.beats, id, call);
    else if (op === 'endSession') push(this.endings, args as string, call);
    else if (op === 'upkeep') this.#upkeep(call);
  }

  #upkeep(call: Call): void {
    for (const reclaim of answerOf<LoggedUpkeep>(call)?.reclaimed ?? []) {
      push(this.reclaimed, reclaim.token, { ...reclaim, call });
    }
  }

  #apply(call: Call): void {
    const { effects, requestId = null, tx = false } = call.begin.args as ApplyArgs;
    const results = tx ? null : answerOf<LoggedResult[]>(call);
    const otherwise = tx ? 'unknown' : outcomeOf(call);
    const span = this.#spanOf(call, requestId);
    for (const [index, effect] of (effects ?? []).entries()) {
      this.#effect({ effect, call: span, requestId, result: results?.[index] ?? null, otherwise });
    }
  }

  /** A request that is repeated is answered as it was the first time, and may have been carried out then. */
  #spanOf(call: Call, requestId: string | null): Call {
    if (requestId === null) return call;
    const first = this.#requests.get(requestId) ?? call;
    this.#requests.set(requestId, first);
    return first === call ? call : { begin: first.begin, end: call.end };
  }

  #effect(told: Told): void {
    const { effect, call, result, otherwise } = told;
    if (effect.op === 'add') {
      this.#add(effect, told);
      return;
    }
    const outcome = result !== null && 'outcome' in result ? result.outcome : otherwise;
    if ('token' in effect && effect.token !== undefined) {
      const { queue, id, token, op } = effect;
      push(this.writes, token, { queue, id, token, op, call, outcome, leaseMs: null, cancel: false });
    }
    const more = result !== null && 'more' in result ? result.more : null;
    const move = { effect, call, outcome, more };
    if (!('queue' in effect)) push(this.queueMoves, '*', move);
    else if ('id' in effect) {
      push(this.moves, keyOf(effect), move);
      push(this.movesById, effect.id, move);
    } else push(this.queueMoves, effect.queue, move);
  }

  #add(effect: Extract<LoggedEffect, { op: 'add' }>, { call, requestId, result, otherwise }: Told): void {
    const outcomes = result?.op === 'add' ? result.jobs : [];
    for (const [index, job] of effect.jobs.entries()) {
      const outcome: Added['outcome'] =
        outcomes[index]?.outcome ?? (otherwise === 'ok' ? 'acknowledged' : otherwise);
      push(this.adds, keyOf(job), { job, call, requestId, outcome });
    }
  }

  #claims(call: Call, requests: readonly LoggedClaim[], answers: readonly LoggedClaimAnswer[]): void {
    for (const [index, claim] of requests.entries()) {
      this.grants.asked(claim.claimId, call);
      for (const grant of answers[index]?.jobs ?? []) this.grants.take(grant, claim, call);
    }
  }

  #commit(call: Call): void {
    const { settle, claim } = call.begin.args as CommitArgs;
    const answer = answerOf<LoggedCommit>(call);
    for (const [index, settlement] of settle.entries()) {
      const result = answer?.settled[index];
      const outcome = result?.outcome ?? notOk(outcomeOf(call));
      push(this.settled, settlement.token, { settlement, call, outcome, state: result?.state ?? null });
      const done = outcome === 'ok' || outcome === 'unknown' ? outcome : 'refused';
      for (const effect of settlement.effects ?? []) {
        this.#effect({ effect, call, requestId: null, result: null, otherwise: done });
      }
    }
    this.#claims(call, claim, answer?.claimed ?? []);
  }

  #renew(call: Call): void {
    const { leases, leaseMs } = call.begin.args as RenewArgs;
    const results = answerOf<LoggedRenewal[]>(call);
    for (const [index, { queue, id, token }] of leases.entries()) {
      const result = results?.[index];
      const outcome = result?.outcome ?? notOk(outcomeOf(call));
      const cancel = result?.cancel === true;
      push(this.writes, token, { queue, id, token, op: 'renew', call, outcome, leaseMs, cancel });
    }
  }
}

interface Told {
  readonly effect: LoggedEffect;
  readonly call: Call;
  readonly requestId: string | null;
  readonly result: LoggedResult | null;
  /** What is known without a result of its own. */
  readonly otherwise: 'ok' | 'refused' | 'unknown';
}

function answerOf<T>({ end }: Call): T | null {
  return end?.kind === 'ok' ? ((end.answer ?? null) as T | null) : null;
}

/** An answer that is too short says nothing of what it leaves out. */
function notOk(outcome: 'ok' | 'refused' | 'unknown'): 'refused' | 'unknown' {
  return outcome === 'refused' ? 'refused' : 'unknown';
}
