import type { AttemptEndEvent, AttemptInfo, SettleEvent, TelemetryHooks } from '../telemetry/hooks.ts';
import type { History } from './history.ts';

/** Hooks for a worker that tell a history when a processor begins, ends, and how its end was taken. */
export function recordAttempts(history: History): TelemetryHooks {
  const nameOf = ({ queue, jobId, token, worker }: AttemptInfo): object => ({
    queue,
    id: jobId,
    token,
    worker,
  });
  return {
    onAttemptStart: (attempt: AttemptInfo) => history.event('run-start', nameOf(attempt)),
    onAttemptEnd: ({ attempt, to, leftBehind }: AttemptEndEvent) =>
      history.event('run-end', { ...nameOf(attempt), to, ...(leftBehind && { leftBehind }) }),
    onSettle: ({ attempt, outcome }: SettleEvent) =>
      history.event('run-settled', { ...nameOf(attempt), outcome }),
  };
}
