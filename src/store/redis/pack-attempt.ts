import {
  ATTEMPT_OUTCOMES,
  type AttemptOutcome,
  type AttemptRecord,
  type LogLine,
  type StoredError,
} from '../../job/record.ts';
import type { StoredJob } from './pack-record.ts';

/** In the order of their numbers in `lua/job.ts`. */
const OUTCOMES: readonly AttemptOutcome[] = [
  'completed',
  'retried',
  'failed',
  'released',
  'crashed',
  'cancelled',
  'parked',
];

/** Numbers, then the lengths of worker and trace id, then both, then the error. */
const ATTEMPT = /^(\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+|-) (\d+) (\d+|-) /;

export function attemptOf(bytes: Buffer): AttemptRecord {
  const found = ATTEMPT.exec(bytes.toString('latin1', 0, 200));
  if (found === null) throw new RangeError('the record of an attempt is damaged');
  const [head, number, generation, token, startedAt, endedAt, outcome, retryAfter, workerBytes, traceBytes] =
    found;
  const workerAt = head.length;
  const traceAt = workerAt + Number(workerBytes);
  const errorAt = traceAt + (traceBytes === '-' ? 0 : Number(traceBytes));
  const error = bytes.toString('utf8', errorAt);
  return {
    number: Number(number),
    generation: Number(generation),
    token: Number(token),
    worker: bytes.toString('utf8', workerAt, traceAt),
    startedAt: Number(startedAt),
    endedAt: Number(endedAt),
    outcome: OUTCOMES[Number(outcome) - 1] ?? ATTEMPT_OUTCOMES[0],
    error: error === '' ? null : (JSON.parse(error) as StoredError),
    retryAfterMs: retryAfter === '-' ? null : Number(retryAfter),
    traceId: traceBytes === '-' ? null : bytes.toString('utf8', traceAt, errorAt),
  };
}

/** All attempts of a job, of which the only one may stand in its moving part. */
export function attemptsOf({ record, moving }: StoredJob, kept: readonly Buffer[]): AttemptRecord[] {
  if (!moving.isShort || record.state !== 'completed') return kept.map(attemptOf);
  return [
    {
      number: 1,
      generation: 1,
      token: record.token,
      worker: record.worker ?? '',
      startedAt: record.claimedAt ?? 0,
      endedAt: record.finishedAt ?? 0,
      outcome: 'completed',
      error: null,
      retryAfterMs: null,
      traceId: moving.traceId,
    },
  ];
}

/** "number at text". */
export function logOf(bytes: Buffer): LogLine {
  const line = bytes.toString('utf8');
  const first = line.indexOf(' ');
  const second = line.indexOf(' ', first + 1);
  return {
    number: Number(line.slice(0, first)),
    at: Number(line.slice(first + 1, second)),
    text: line.slice(second + 1),
  };
}
