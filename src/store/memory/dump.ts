import {
  type DumpLine,
  dumpAttempt,
  dumpJob,
  dumpLease,
  dumpLog,
  dumpOperation,
  dumpQueue,
  dumpSession,
  dumpStats,
} from '../../job/dump.ts';
import type { DumpRow } from '../store.ts';
import { operations } from './operations.ts';
import type { QueueState, State, StoredJob } from './state.ts';

/** The whole store as it is at the first line, sorted by key. */
export function dump(state: State): DumpRow[] {
  const lines = [
    ...[...state.queues.values()].flatMap(linesOfQueue),
    ...[...state.sessions.values()].map((session) => dumpSession(session.id, session)),
    ...operations(state).map((operation) => dumpOperation(operation.id, operation)),
  ];
  return lines.sort((one, other) => (one.key < other.key ? -1 : 1));
}

function linesOfQueue(queue: QueueState): DumpLine[] {
  const { name, settings, counts, totals, createdAt } = queue;
  return [
    dumpQueue(name, { settings, counts, totals, createdAt }),
    ...[...queue.jobs.values()].flatMap(linesOfJob),
    ...[...queue.minutes.values()].map((point) => dumpStats('minute', point)),
    ...[...queue.hours.values()].map((point) => dumpStats('hour', point)),
  ];
}

function linesOfJob({ record, seq, settledToken, lease, attempts, logs }: StoredJob): DumpLine[] {
  const leases = lease === null ? [] : [{ ...lease, suspect: lease.suspectAt !== null }];
  return [
    dumpJob(record, { seq, settledToken }),
    ...attempts.map((attempt) => dumpAttempt(record, attempt)),
    ...logs.map((line) => dumpLog(record, line)),
    ...leases.map(({ token, expiresAt, deadlineAt, suspect, spared }) =>
      dumpLease(record, { token, expiresAt, deadlineAt, suspect, spared }),
    ),
  ];
}
