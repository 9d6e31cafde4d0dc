import type { Settlement } from '../store.ts';
import type { Cargo, Packed, Take } from './cargo.ts';

/** The end of an attempt that completed its job. Most have neither a trace nor a result. */
type Row = readonly [
  queue: string,
  id: string,
  token: number,
  isLenient: 0 | 1,
  result?: Packed | null,
  traceId?: string | null,
];

export interface PackedEnds {
  /** In the place of each settlement its row, or 0 for one that is itself among the others. */
  readonly text: string;
  readonly others: readonly Settlement[];
}

export function packEnds(settlements: readonly Settlement[], cargo: Cargo): PackedEnds {
  const others: Settlement[] = [];
  const rows = settlements.map((settlement) => {
    const row = toRow(settlement, cargo);
    if (row === null) others.push(settlement);
    return row ?? 0;
  });
  return { text: JSON.stringify(rows), others };
}

export function unpackEnds({ text, others }: PackedEnds, take: Take): Settlement[] {
  let at = 0;
  return (JSON.parse(text) as (Row | 0)[]).flatMap((row) => {
    if (row !== 0) return toSettlement(row, take);
    at += 1;
    return others[at - 1] ?? [];
  });
}

function toRow({ lease, next, mode, traceId, effects = [] }: Settlement, cargo: Cargo): Row | null {
  if (next.to !== 'completed' || effects.length > 0) return null;
  const isLenient = mode === 'lenient' ? 1 : 0;
  if (next.result === null && traceId === undefined) return [lease.queue, lease.id, lease.token, isLenient];
  const result = next.result === null ? null : cargo.put(next.result);
  return [lease.queue, lease.id, lease.token, isLenient, result, traceId ?? null];
}

function toSettlement([queue, id, token, isLenient, result, traceId]: Row, take: Take): Settlement {
  const next = { to: 'completed', result: typeof result === 'number' ? take(result) : null } as const;
  const mode = isLenient === 1 ? 'lenient' : 'strict';
  return { lease: { queue, id, token }, next, mode, ...(typeof traceId === 'string' && { traceId }) };
}
