/** A bulk operation as stores with tables read it. */

import type { JobFilter } from '../job/filter.ts';
import type { NewOperation, OperationRecord } from './reads.ts';

export interface OperationRow {
  readonly id: string;
  readonly kind: NewOperation['kind'];
  readonly filter: string;
  readonly to_queue: string | null;
  readonly rate: number | null;
  readonly reason: string;
  readonly state: OperationRecord['state'];
  readonly done: number;
  readonly skipped: number;
  readonly scanned: number;
  readonly started_at: number;
  readonly finished_at: number | null;
  /** Jobs up to this seq are behind it … */
  readonly after_seq: number;
  /** … and those after this one came after its start. */
  readonly until_seq: number;
}

export function toOperation(row: OperationRow): OperationRecord {
  return {
    id: row.id,
    kind: row.kind,
    filter: JSON.parse(row.filter) as JobFilter,
    toQueue: row.to_queue,
    ratePerSecond: row.rate,
    reason: row.reason,
    state: row.state,
    done: row.done,
    skipped: row.skipped,
    scanned: row.scanned,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}
