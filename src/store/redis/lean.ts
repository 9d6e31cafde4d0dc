import type { SettleResult } from '../store.ts';
import type { Asked } from './claim.ts';
import { Cursor } from './cursor.ts';
import type { Engine } from './engine.ts';
import { Luck } from './luck.ts';
import type { Arg } from './reply.ts';
import { LEAN_COMMIT } from './scripts.ts';
import type { Settling } from './settle.ts';

const COMPLETED: SettleResult = { outcome: 'ok', state: 'completed' };
/** What a commit of one queue asks, when nothing in it is unusual by itself. */
interface Plain {
  readonly queue: string;
  readonly settlements: readonly Settling[];
  readonly asked: Asked;
}

/**
 * The short way for jobs that complete and others that are claimed, where nothing about them is unusual, which only the
 * script can tell.
 */
export class Lean {
  readonly #luck = new Luck();

  /** null: nothing was done. Else what the claim is answered follows. */
  async commit(
    engine: Engine,
    settlements: readonly Settling[],
    asked: Asked,
  ): Promise<{ readonly settled: SettleResult[]; readonly cursor: Cursor } | null> {
    const queue = queueOf(settlements, asked);
    const what = `${settlements.length === 0 ? 'claim' : 'commit'} ${queue}`;
    if (queue === null || !this.#luck.isWorthIt(what)) return null;
    const cursor = new Cursor(await engine.write(LEAN_COMMIT, argsOf({ queue, settlements, asked })));
    const isDone = cursor.number() === 1;
    this.#luck.learn(what, isDone);
    return isDone ? { settled: settlements.map(() => COMPLETED), cursor } : null;
  }
}

/** The one queue of all of it; null where anything is more than that jobs complete and others are bound to a session. */
function queueOf(settlements: readonly Settling[], { requests }: Asked): string | null {
  const queue = settlements[0]?.lease.queue ?? requests[0]?.queue;
  if (queue === undefined || requests.length > 1) return null;
  if (!requests.every((request) => request.queue === queue && request.leaseMs === null)) return null;
  if (!settlements.every((settlement) => isPlain(settlement, queue))) return null;
  return new Set(settlements.map(({ lease }) => lease.id)).size === settlements.length ? queue : null;
}

function isPlain({ lease, effects = [], next, traceId, sends }: Settling, queue: string): boolean {
  return (
    sends === undefined &&
    lease.queue === queue &&
    next.to === 'completed' &&
    effects.length === 0 &&
    traceId === undefined
  );
}

function argsOf({ queue, settlements, asked }: Plain): Arg[] {
  const args: Arg[] = [queue, settlements.length];
  for (const { lease, next } of settlements) {
    const result = next.to === 'completed' ? next.result : null;
    args.push(lease.id, lease.token, result === null ? 0 : 1, result ?? '');
  }
  args.push(asked.requests.length);
  for (const { claimId, limit, worker, quarantine = false } of asked.requests) {
    args.push(claimId, limit, worker, quarantine ? 1 : 0, asked.markings[0] ?? 0);
  }
  return args;
}
