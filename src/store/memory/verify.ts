import { JOB_STATES } from '../../job/record.ts';
import type { Finding } from '../store.ts';
import type { QueueState, State } from './state.ts';

/** Recounts what is kept as a count, and holds leases against active jobs. Attempts and logs hang on their job. */
export function verify(state: State): Finding[] {
  return [...[...state.queues.values()].flatMap(recount), ...matchLeases(state)];
}

function recount(queue: QueueState): Finding[] {
  const { name, counts, totals, jobs } = queue;
  const records = [...jobs.values()].map(({ record }) => record);
  const findings = JOB_STATES.flatMap((state) => {
    const actual = records.filter((record) => record.state === state).length;
    return counts[state] === actual
      ? []
      : [wrong('counts', `queue "${name}" counts ${counts[state]} jobs as ${state} and has ${actual}`)];
  });
  if (records.length === totals.added - totals.removed) return findings;
  const { added, removed } = totals;
  const message = `queue "${name}" has ${records.length} jobs, but added ${added} and removed ${removed}`;
  return [...findings, wrong('totals', message)];
}

function matchLeases(state: State): Finding[] {
  const jobs = [...state.queues.values()].flatMap((queue) => [...queue.jobs.values()]);
  const active = jobs.filter(({ record }) => record.state === 'active');
  const unleased = active.filter((job) => state.leased.get(job.record.token) !== job || job.lease === null);
  const idle = [...state.leased.values()].filter((job) => !active.includes(job));
  return [
    ...unleased.map(({ record }) =>
      wrong('leases', `job "${record.id}" of "${record.queue}" is active without a lease`),
    ),
    ...idle.map(({ record }) =>
      wrong('leases', `job "${record.id}" of "${record.queue}" has a lease and is not active`),
    ),
  ];
}

function wrong(check: string, message: string): Finding {
  return {
    severity: 'error',
    check,
    message,
    advice: 'This is a bug in the memory store; please report it.',
  };
}
