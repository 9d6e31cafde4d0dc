/** The verbs that write: each is one script, and so one step. */

import type { ClaimRequest, CommitAnswer, Store } from '../store.ts';
import { apply } from './apply.ts';
import { askFor, claim, putClaims, takeClaims } from './claim.ts';
import { Cursor } from './cursor.ts';
import type { Engine } from './engine.ts';
import type { Idle } from './idle.ts';
import { Lean } from './lean.ts';
import type { Arg } from './reply.ts';
import { COMMIT_JOBS } from './scripts.ts';
import { beat, endSession, renew } from './sessions.ts';
import { putSettlements, type Settling, takeSettled } from './settle.ts';
import { upkeep } from './upkeep.ts';

type Writes = Pick<Store, 'apply' | 'claim' | 'commit' | 'renew' | 'beat' | 'endSession' | 'upkeep'>;

export function writes(engine: Engine, idle: Idle): Writes {
  const lean = new Lean();
  return {
    apply: (effects, options = {}) => apply(engine, effects, options),
    claim: (requests) => claim(engine, requests, { idle, lean }),
    commit: (settlements, claims = []) => commit(engine, { settlements, claims }, { idle, lean }),
    renew: (leases, leaseMs) => renew(engine, leases, leaseMs),
    beat: (sessions) => beat(engine, sessions),
    endSession: (id) => endSession(engine, id),
    upkeep: (budget) => upkeep(engine, budget),
  };
}

export async function commit(
  engine: Engine,
  { settlements, claims }: { settlements: readonly Settling[]; claims: readonly ClaimRequest[] },
  { idle, lean }: { idle: Idle; lean: Lean },
): Promise<CommitAnswer> {
  const asked = askFor(claims, idle);
  const short = await lean.commit(engine, settlements, asked);
  if (short !== null) return { settled: short.settled, claimed: takeClaims(short.cursor, asked, idle) };
  const args: Arg[] = [];
  putSettlements(args, settlements);
  putClaims(args, asked);
  const cursor = new Cursor(await engine.write(COMMIT_JOBS, args));
  return { settled: takeSettled(cursor, settlements), claimed: takeClaims(cursor, asked, idle) };
}
