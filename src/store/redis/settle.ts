import type { JobState, StoredError } from '../../job/record.ts';
import type { Next, Settlement, SettleResult } from '../store.ts';
import type { Cursor } from './cursor.ts';
import { putEffects, type Sending } from './effects.ts';
import type { Arg } from './reply.ts';

/** With what other cells are to do if and only if it is applied. */
export interface Settling extends Settlement {
  readonly sends?: readonly Sending[];
}

export function putSettlements(args: Arg[], settlements: readonly Settling[]): void {
  args.push(settlements.length);
  for (const settlement of settlements) putSettlement(args, settlement);
}

/** How many arguments the effects and what becomes of the job take is said before them: they are passed over if refused. */
function putSettlement(args: Arg[], { lease, mode, traceId, next, ...more }: Settling): void {
  const rest: Arg[] = [];
  const effects = [...(more.effects ?? []), ...(more.sends ?? [])];
  putEffects(rest, effects);
  rest.push(next.to, ...partsOf(next));
  args.push(lease.queue, lease.id, lease.token, mode === 'lenient' ? 1 : 0, traceId ?? '');
  args.push(effects.length, rest.length);
  // One by one: effects may bring more of them than a call takes.
  for (const arg of rest) args.push(arg);
}

function partsOf(next: Next): readonly [Arg, Arg] {
  switch (next.to) {
    case 'completed':
      return next.result === null ? [0, ''] : [1, next.result];
    case 'failed':
      return [errorText(next.error), next.cause];
    case 'cancelled':
      return [next.reason, next.cause];
    case 'retry':
      return [next.afterMs, errorText(next.error)];
    case 'released':
      return [next.afterMs, ''];
    default:
      return [next.wake.afterMs ?? '', ''];
  }
}

/** Its fields in one order, so that the change feed of every store tells it in the same bytes. */
function errorText({ name, message, stack, code, fingerprint }: StoredError): string {
  return JSON.stringify({ name, message, stack, code, fingerprint });
}

export function takeSettled(cursor: Cursor, settlements: readonly Settlement[]): SettleResult[] {
  return settlements.map(() => {
    const outcome = cursor.text() as SettleResult['outcome'];
    const state = cursor.text();
    return { outcome, state: state === '' ? null : (state as JobState) };
  });
}
