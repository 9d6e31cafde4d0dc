/**
 * What passes between the threads by the thousand, in a compact form: rows of values without names, and payloads
 * end to end. Everything else crosses as it is.
 */

import type { Bytes } from '../../job/record.ts';
import type { ClaimAnswer, CommitAnswer, Effect, NewJob, Settlement } from '../store.ts';
import { Cargo, type Packed, type Take, unloading } from './cargo.ts';
import { type PackedClaim, packClaim, unpackClaim } from './pack-claim.ts';
import type { Call } from './verbs.ts';

/** A call or its answer, and the payloads that were taken out of it. */
export interface PackedCall {
  readonly call: Call;
  readonly cargo: Bytes;
}
export interface PackedValue {
  readonly value: unknown;
  readonly cargo: Bytes;
}

export function packCall(call: Call): PackedCall {
  const cargo = new Cargo();
  const [first, ...rest] = call.args;
  const packed = packFirst(call.verb, first, cargo);
  return { call: { ...call, args: [packed, ...rest] }, cargo: cargo.load() };
}

function packFirst(verb: Call['verb'], first: unknown, cargo: Cargo): unknown {
  if (verb === 'apply') return (first as Effect[]).map((effect) => packEffect(effect, cargo));
  if (verb === 'commit') return (first as Settlement[]).map((settlement) => packEnd(settlement, cargo));
  return first;
}

export function unpackCall({ call, cargo }: PackedCall): Call {
  const take = unloading(cargo);
  const [first, ...rest] = call.args;
  if (call.verb === 'apply') {
    return { ...call, args: [(first as PackedEffect[]).map((each) => unpackEffect(each, take)), ...rest] };
  }
  if (call.verb === 'commit') {
    return { ...call, args: [(first as PackedEnd[]).map((each) => unpackEnd(each, take)), ...rest] };
  }
  return call;
}

/** Answers that are full of jobs. */
export function packAnswer(verb: Call['verb'] | null, value: unknown): PackedValue {
  const cargo = new Cargo();
  const pack = (claims: readonly ClaimAnswer[]): PackedClaim[] =>
    claims.map((claim) => packClaim(claim, cargo));
  if (verb === 'claim') return { value: pack(value as ClaimAnswer[]), cargo: cargo.load() };
  if (verb !== 'commit') return { value, cargo: cargo.load() };
  const { settled, claimed } = value as CommitAnswer;
  return { value: { settled, claimed: pack(claimed) }, cargo: cargo.load() };
}

export function unpackAnswer(verb: Call['verb'] | null, { value, cargo }: PackedValue): unknown {
  const take = unloading(cargo);
  const unpack = (claims: readonly PackedClaim[]): ClaimAnswer[] =>
    claims.map((claim) => unpackClaim(claim, take));
  if (verb === 'claim') return unpack(value as PackedClaim[]);
  if (verb !== 'commit') return value;
  const { settled, claimed } = value as Pick<CommitAnswer, 'settled'> & { claimed: PackedClaim[] };
  return { settled, claimed: unpack(claimed) };
}

// ------------------------------------------------------------------------------------------------ adds

type AddRow = readonly [
  queue: string,
  id: string,
  name: string,
  contentType: string,
  headers: NewJob['headers'],
  policy: NewJob['policy'],
  priority: number,
  lifo: boolean,
  delayMs: number,
  body: Packed,
];
/** The jobs of an `add`; any other effect is itself. */
type PackedEffect = Effect | readonly AddRow[];

function packEffect(effect: Effect, cargo: Cargo): PackedEffect {
  if (effect.op !== 'add') return effect;
  return effect.jobs.map(
    (job): AddRow => [
      job.queue,
      job.id,
      job.name,
      job.contentType,
      job.headers,
      job.policy,
      job.priority,
      job.lifo,
      job.delayMs,
      cargo.put(job.body),
    ],
  );
}

function unpackEffect(packed: PackedEffect, take: Take): Effect {
  if (!isRows(packed)) return packed;
  const jobs = packed.map(
    ([queue, id, name, contentType, headers, policy, priority, lifo, delayMs, body]): NewJob => {
      return { queue, id, name, body: take(body), contentType, headers, policy, priority, lifo, delayMs };
    },
  );
  return { op: 'add', jobs };
}

function isRows(packed: PackedEffect): packed is readonly AddRow[] {
  return Array.isArray(packed);
}

// ----------------------------------------------------------------------------------------- settlements

type EndRow = readonly [
  queue: string,
  id: string,
  token: number,
  mode: Settlement['mode'],
  traceId: string | null,
  result: Packed | null,
];
/** The end of an attempt that completed its job; any other settlement is itself. */
type PackedEnd = Settlement | EndRow;

function packEnd(settlement: Settlement, cargo: Cargo): PackedEnd {
  const { lease, next, mode, traceId = null, effects = [] } = settlement;
  if (next.to !== 'completed' || effects.length > 0) return settlement;
  const result = next.result === null ? null : cargo.put(next.result);
  return [lease.queue, lease.id, lease.token, mode, traceId, result];
}

function unpackEnd(packed: PackedEnd, take: Take): Settlement {
  if (!isRow(packed)) return packed;
  const [queue, id, token, mode, traceId, result] = packed;
  const next = { to: 'completed', result: result === null ? null : take(result) } as const;
  return { lease: { queue, id, token }, next, mode, ...(traceId !== null && { traceId }) };
}

function isRow(packed: PackedEnd): packed is EndRow {
  return Array.isArray(packed);
}
