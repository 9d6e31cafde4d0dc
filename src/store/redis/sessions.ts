import type { LeaseRef } from '../../job/record.ts';
import type { BeatResult, RenewResult, Session } from '../store.ts';
import { Cursor } from './cursor.ts';
import type { Engine } from './engine.ts';
import type { Arg } from './reply.ts';
import { BEAT, END, RENEW_LEASES } from './scripts.ts';

export async function renew(
  engine: Engine,
  leases: readonly LeaseRef[],
  leaseMs: number,
): Promise<RenewResult[]> {
  const args: Arg[] = [leaseMs, leases.length];
  for (const { queue, id, token } of leases) args.push(queue, id, token);
  const cursor = new Cursor(await engine.write(RENEW_LEASES, args));
  return leases.map(() => ({
    outcome: cursor.text() as RenewResult['outcome'],
    cancelReason: cursor.textOrNull(),
  }));
}

export async function beat(engine: Engine, sessions: readonly Session[]): Promise<BeatResult[]> {
  const args: Arg[] = [sessions.length];
  for (const { id, ttlMs, ...shown } of sessions) args.push(id, ttlMs, JSON.stringify(shown));
  const cursor = new Cursor(await engine.write(BEAT, args));
  return sessions.map(() => ({ outcome: cursor.text() as BeatResult['outcome'] }));
}

export async function endSession(engine: Engine, id: string): Promise<number> {
  return new Cursor(await engine.write(END, [id])).number();
}
