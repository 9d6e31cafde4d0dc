/**
 * What passes between the threads by the thousand, in a compact form: rows of values without names as one text of JSON,
 * and payloads end to end. A thread copies a text faster than a thousand small lists. Everything else crosses as it is.
 */

import type { ClaimAnswer, CommitAnswer, Effect, Settlement } from '../store.ts';
import { Cargo, type Load, unloading } from './cargo.ts';
import type { CommitGrant, Grant } from './grant.ts';
import { type PackedEffect, packEffect, unpackEffect } from './pack-add.ts';
import { type PackedClaim, packClaim, unpackClaim } from './pack-claim.ts';
import { type PackedEnds, packEnds, unpackEnds } from './pack-end.ts';
import type { Call } from './verbs.ts';

/** A call or its answer, and the payloads that were taken out of it. */
export interface PackedCall {
  readonly call: Call;
  readonly cargo: Load;
}
export interface PackedValue {
  readonly value: unknown;
  readonly cargo: Load;
}

export function packCall(call: Call): PackedCall {
  const cargo = new Cargo();
  const [first, ...rest] = call.args;
  const packed = packFirst(call.verb, first, cargo);
  return { call: { ...call, args: [packed, ...rest] }, cargo: cargo.load() };
}

function packFirst(verb: Call['verb'], first: unknown, cargo: Cargo): unknown {
  if (verb === 'apply') return (first as Effect[]).map((effect) => packEffect(effect, cargo));
  if (verb === 'commit') return packEnds(first as Settlement[], cargo);
  return first;
}

export function unpackCall({ call, cargo }: PackedCall): Call {
  const take = unloading(cargo);
  const [first, ...rest] = call.args;
  if (call.verb === 'apply') {
    return { ...call, args: [(first as PackedEffect[]).map((each) => unpackEffect(each, take)), ...rest] };
  }
  if (call.verb === 'commit') {
    return { ...call, args: [unpackEnds(first as PackedEnds, take), ...rest] };
  }
  return call;
}

/** Answers that are full of jobs. */
export function packAnswer(verb: Call['verb'] | null, value: unknown): PackedValue {
  const cargo = new Cargo();
  const pack = (claims: readonly Grant[]): PackedClaim[] => claims.map((claim) => packClaim(claim, cargo));
  if (verb === 'claim') return { value: pack(value as Grant[]), cargo: cargo.load() };
  if (verb !== 'commit') return { value, cargo: cargo.load() };
  const { settled, claimed } = value as CommitGrant;
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
