/**
 * What the lines of a history prove, put in order by job and by token. Built in one pass; every check reads it and
 * none changes it.
 *
 * Tokens are the backbone: a store gives each out once and rising, so they order all claims without any clock. Times
 * are used only where a promise is about time.
 */

import type {
  FaultKind,
  Head,
  HistoryLine,
  JobName,
  LoggedAdd,
  LoggedClaim,
  LoggedEffect,
  LoggedFault,
  LoggedGrant,
  LoggedReclaim,
  LoggedRow,
  LoggedRun,
  LoggedSettlement,
  Scope,
} from '../line.ts';

/** A call of the store. `end` is null when the process died, or the history ended, before the answer. */
export interface Call {
  readonly begin: HistoryLine;
  readonly end: HistoryLine | null;
}

export interface Added {
  readonly job: LoggedAdd;
  readonly call: Call;
  readonly requestId: string | null;
  /** acknowledged: created or found there, the answer does not say which. */
  readonly outcome: 'created' | 'duplicate' | 'acknowledged' | 'refused' | 'unknown';
}

export interface Grant extends LoggedGrant {
  readonly claim: LoggedClaim;
  /** Every call that answered with it: a claim that is repeated gives the same lease again. The earliest first. */
  readonly calls: readonly Call[];
}

export interface Settled {
  readonly settlement: LoggedSettlement;
  readonly call: Call;
  readonly outcome: 'ok' | 'expired' | 'superseded' | 'gone' | 'refused' | 'unknown';
  readonly state: string | null;
}

/** A renewal or a write within an attempt: progress, log, data. */
export interface LeaseWrite extends JobName {
  readonly token: number;
  readonly op: string;
  readonly call: Call;
  readonly outcome: string;
  readonly leaseMs: number | null;
  readonly cancel: boolean;
}

/** A move by somebody who does not hold the job. */
export interface Move {
  readonly effect: Exclude<LoggedEffect, { op: 'add' }>;
  readonly call: Call;
  readonly outcome: string;
  /** Of a drain or an obliteration: whether it had more to do. */
  readonly more: boolean | null;
}

export interface Reclaimed extends LoggedReclaim {
  readonly call: Call;
}

export interface Run extends LoggedRun {
  readonly start: HistoryLine;
}

export interface Fault extends LoggedFault {
  readonly fault: FaultKind;
  readonly begin: HistoryLine;
  readonly end: HistoryLine | null;
}

type RowOf<K extends LoggedRow['row']> = Extract<LoggedRow, { row: K }>['value'];

export interface Dump {
  readonly call: Call;
  /** By `keyOf`. */
  readonly jobs: ReadonlyMap<string, RowOf<'job'>>;
  /** By token. */
  readonly attempts: ReadonlyMap<number, RowOf<'attempt'>>;
  readonly queues: ReadonlyMap<string, RowOf<'queue'>>;
  readonly leases: readonly RowOf<'lease'>[];
  readonly logs: readonly JobName[];
}

export interface ProcessEvidence {
  readonly head: Head | null;
  readonly first: HistoryLine;
  readonly last: HistoryLine;
  /** Lines whose numbers are missing: cut off, or not written. */
  readonly missing: number;
  /** It closed its store, so it came to an end of its own. */
  readonly closed: boolean;
}

export interface Evidence {
  readonly lines: readonly HistoryLine[];
  readonly scope: Scope;
  readonly processes: ReadonlyMap<string, ProcessEvidence>;
  /** Lines are missing somewhere, so that what is not here may have been there. */
  readonly isCut: boolean;
  readonly calls: readonly Call[];
  readonly adds: ReadonlyMap<string, readonly Added[]>;
  /** By token. */
  readonly grants: ReadonlyMap<number, Grant>;
  /** The first call with each claim id; its answer may be lost. */
  readonly claims: ReadonlyMap<string, Call>;
  /** Calls that may have claimed something without anybody knowing. */
  readonly unknownClaims: readonly Call[];
  /** Calls of upkeep that may have taken leases back without anybody knowing. */
  readonly unknownUpkeep: readonly Call[];
  /** Answers that gave one token to two jobs or two claims. */
  readonly twins: readonly (readonly [Grant, Grant])[];
  /** The claims of one job through its queues, by token. A job that was removed and added anew is another. */
  readonly lives: readonly (readonly Grant[])[];
  readonly settled: ReadonlyMap<number, readonly Settled[]>;
  readonly writes: ReadonlyMap<number, readonly LeaseWrite[]>;
  readonly reclaimed: ReadonlyMap<number, readonly Reclaimed[]>;
  readonly runs: ReadonlyMap<number, readonly Run[]>;
  /** Moves of a job, by `keyOf`; and of whole queues, by name of the queue. */
  readonly moves: ReadonlyMap<string, readonly Move[]>;
  readonly queueMoves: ReadonlyMap<string, readonly Move[]>;
  /** In whatever queue the job was then: dead letters and redriven jobs keep their ids. */
  readonly movesById: ReadonlyMap<string, readonly Move[]>;
  /** Ended sessions, by worker. */
  readonly endings: ReadonlyMap<string, readonly Call[]>;
  readonly beats: ReadonlyMap<string, readonly Call[]>;
  readonly faults: readonly Fault[];
  readonly dumps: readonly Dump[];
  /** The order of all lines, where it is known; else times tell what was before what. */
  readonly positions: ReadonlyMap<HistoryLine, number> | null;
  /** When a line was written, on a clock that all processes share as well as can be known. */
  at(line: HistoryLine): number;
  /** How far two such times of different processes may be wrong about each other. */
  readonly toleranceMs: number;
}

export function keyOf({ queue, id }: JobName): string {
  return `${queue}/${id}`;
}

/** A call that was answered before another was begun: what it did was done before, whatever else went on. */
export function isBefore(evidence: Evidence, first: Call, later: Call): boolean {
  if (first.end === null || first.end.kind === 'info') return false;
  return lineBefore(evidence, first.end, later.begin);
}

export function lineBefore(evidence: Evidence, first: HistoryLine, later: HistoryLine): boolean {
  if (first.process === later.process) return first.seq < later.seq;
  const { positions } = evidence;
  if (positions !== null) return (positions.get(first) ?? 0) < (positions.get(later) ?? 0);
  return evidence.at(first) + evidence.toleranceMs < evidence.at(later);
}

/** The last dump that came to its end. */
export function lastDump(evidence: Evidence): Dump | null {
  return evidence.dumps.at(-1) ?? null;
}

/** Those whose effect on the store counts. */
export function isAccepted({ outcome }: Settled): boolean {
  return outcome === 'ok';
}

export function firstCall(grant: Grant): Call {
  return grant.calls[0] as Call;
}

/** A clock that the store goes by was moved: what is promised by the clock cannot be held against it. */
export function storeClockMoved(evidence: Evidence): boolean {
  return evidence.faults.some(({ fault, clock }) => fault === 'clock' && clock !== 'process');
}
