import type { OperationRecord } from '../../store.ts';
import { operations } from '../lists.ts';
import type { Cells } from './cells.ts';

/** Home's, with the sums of the cells, each of which goes on with its own part. */
export async function operationsOf(cells: Cells): Promise<OperationRecord[]> {
  const all = await operations(cells.home);
  if (all.length === 0) return [];
  const parts = (await Promise.all((await cells.all()).map(operations))).flat();
  return all.map((record) =>
    summed(
      record,
      parts.filter(({ id }) => id === record.id),
    ),
  );
}

function summed(record: OperationRecord, parts: readonly OperationRecord[]): OperationRecord {
  const all = [record, ...parts];
  const has = (state: OperationRecord['state']): boolean => all.some((each) => each.state === state);
  const total = (name: 'done' | 'skipped' | 'scanned'): number =>
    all.reduce((sum, each) => sum + each[name], 0);
  const state = has('running') ? 'running' : has('aborted') ? 'aborted' : 'done';
  const ends = all.map(({ finishedAt }) => finishedAt ?? 0);
  return {
    ...record,
    state,
    done: total('done'),
    skipped: total('skipped'),
    scanned: total('scanned'),
    finishedAt: state === 'running' ? null : Math.max(...ends),
  };
}
