import { dumpOperation } from '../../../job/dump.ts';
import type { DumpRow } from '../../store.ts';
import { dump } from '../dump.ts';
import type { Cells } from './cells.ts';
import { operationsOf } from './operations.ts';

/** The canonical form of all cells, merged by key; each gives its lines in that order. */
export async function* dumpCells(cells: Cells): AsyncGenerator<DumpRow> {
  const own = (await cells.all()).map((cell) =>
    only(dump(cell), (row) => !isOf(row, 'session') && !isOf(row, 'operation')),
  );
  const sums = (await operationsOf(cells)).map((record) => dumpOperation(record.id, record));
  const home = only(dump(cells.home), (row) => !isOf(row, 'operation'));
  const sources = [...own, home, listed(sums)];
  const heads: { row: DumpRow; source: AsyncGenerator<DumpRow> }[] = [];
  for (const source of sources) await refill(heads, source);
  while (heads.length > 0) {
    const first = heads.reduce((one, other) => (other.row.key < one.row.key ? other : one));
    yield first.row;
    heads.splice(heads.indexOf(first), 1);
    await refill(heads, first.source);
  }
}

async function refill(
  heads: { row: DumpRow; source: AsyncGenerator<DumpRow> }[],
  source: AsyncGenerator<DumpRow>,
): Promise<void> {
  const next = await source.next();
  if (next.done !== true) heads.push({ row: next.value, source });
}

function isOf({ key }: DumpRow, kind: string): boolean {
  return key.startsWith(`["${kind}"`) || key.startsWith(kind);
}

async function* only(
  rows: AsyncIterable<DumpRow>,
  isMeant: (row: DumpRow) => boolean,
): AsyncGenerator<DumpRow> {
  for await (const row of rows) if (isMeant(row)) yield row;
}

async function* listed(rows: readonly DumpRow[]): AsyncGenerator<DumpRow> {
  yield* rows.toSorted((one, other) => (one.key < other.key ? -1 : 1));
}
