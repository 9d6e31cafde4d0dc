import { expire } from './jobs.ts';
import { by, bySeq } from './state.ts';
import type { Chore, Step } from './step.ts';

/** Ends jobs that nobody claimed in time, of paused queues, too. */
export function expireAll(step: Step, limit: number): Chore {
  const over = [...step.state.queues.values()]
    .flatMap((queue) => queue.expiring.members.slice(0, limit + 1))
    .filter(({ record }) => (record.expiresAt ?? 0) <= step.nowMs)
    .sort((one, other) => by(one.record.expiresAt, other.record.expiresAt) || bySeq(one, other));
  for (const job of over.slice(0, limit)) expire(step, job);
  return { touched: Math.min(over.length, limit), more: over.length > limit };
}
