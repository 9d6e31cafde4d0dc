import { expect, test } from 'vitest';
import { judge, judgeUnreachable, type QueueVitals } from './verdict.ts';

const QUIET: QueueVitals = {
  queue: 'emails',
  settings: { paused: false, objectiveMs: 60_000 },
  waiting: 0,
  active: 0,
  failed: 0,
  oldestReadyMs: null,
  nextDueInMs: null,
  workers: 1,
  slots: 8,
  busy: 0,
  recent: { windowMs: 600_000, added: 0, completed: 0, failed: 0, retried: 0 },
  keepsDeadLetters: false,
};

function rulesOf(...changes: Partial<QueueVitals>[]): string[] {
  return judge(changes.map((change) => ({ ...QUIET, ...change }))).findings.map(
    (finding) => `${finding.severity} ${finding.queue} ${finding.rule}`,
  );
}

test('queues without a backlog are flowing, and the headline names the oldest ready job', () => {
  const verdict = judge([
    QUIET,
    { ...QUIET, queue: 'invoices', waiting: 2, oldestReadyMs: 800 },
    { ...QUIET, queue: 'reports', waiting: 1, oldestReadyMs: 20 },
  ]);

  expect(verdict).toEqual({
    flowing: true,
    headline: 'All 3 queues are draining. Oldest ready job 800 ms.',
    findings: [],
  });
});

test('without queues there is nothing that could stand still', () => {
  expect(judge([])).toMatchObject({ flowing: true, headline: expect.stringContaining('No queues yet') });
});

test('NoWorkers: ready jobs and nobody to run them is a problem from the first moment', () => {
  const verdict = judge([{ ...QUIET, workers: 0, slots: 0, waiting: 12, oldestReadyMs: 3_000 }]);

  expect(verdict.flowing).toBe(false);
  expect(verdict.headline).toBe(
    'Work is not flowing: emails NO WORKERS: 12 ready for 3 s, and no live worker serves the queue',
  );
});

test('NoWorkers: attempts left behind by a killed process, and due jobs nobody promotes, count too', () => {
  expect(rulesOf({ workers: 0, active: 3 })).toEqual(['problem emails NoWorkers']);
  expect(rulesOf({ workers: 0, nextDueInMs: 0 })).toEqual(['problem emails NoWorkers']);
  expect(rulesOf({ workers: 0, nextDueInMs: 5_000 })).toEqual([]);
});

test('NotDraining: a backlog older than the objective that does not shrink is a problem', () => {
  const late = { waiting: 40, oldestReadyMs: 832_000, busy: 8 };
  const verdict = judge([{ ...QUIET, ...late, recent: { ...QUIET.recent, added: 2_100, completed: 640 } }]);

  expect(verdict.findings[0]).toMatchObject({ rule: 'NotDraining', severity: 'problem' });
  expect(verdict.headline).toContain(
    'NOT DRAINING: oldest ready 13m52s (objective 1m), 8/8 slots busy, in 210/min, out 64/min',
  );
  expect(rulesOf({ waiting: 1, oldestReadyMs: 60_000 })).toEqual([]);
});

test('CatchingUp: the same backlog is only a notice while more jobs leave than come', () => {
  const recent = { ...QUIET.recent, added: 10, completed: 640 };

  expect(rulesOf({ waiting: 40, oldestReadyMs: 832_000, recent })).toEqual(['notice emails CatchingUp']);
});

test('Failing: more than a fifth of enough attempts', () => {
  const figures = (completed: number, failed: number, retried: number): Partial<QueueVitals> => ({
    recent: { ...QUIET.recent, completed, failed, retried },
  });

  expect(rulesOf(figures(19, 2, 3))).toEqual(['problem emails Failing']);
  expect(rulesOf(figures(20, 2, 3))).toEqual([]);
  expect(rulesOf(figures(0, 0, 4))).toEqual([]);
  expect(rulesOf(figures(0, 0, 5))).toEqual(['problem emails Failing']);
});

test('PausedBacklog: a paused queue with ready jobs is not flowing, an empty one is fine', () => {
  const settings = { paused: true, objectiveMs: 60_000 };

  expect(rulesOf({ settings, waiting: 5, oldestReadyMs: 7_200_000, workers: 0 })).toEqual([
    'problem emails PausedBacklog',
  ]);
  expect(rulesOf({ settings })).toEqual([]);
});

test('Saturated: full slots are a notice once jobs have waited half of the objective', () => {
  const full = { slots: 8, busy: 8, waiting: 3 };

  expect(rulesOf({ ...full, oldestReadyMs: 30_000 })).toEqual(['notice emails Saturated']);
  expect(rulesOf({ ...full, oldestReadyMs: 29_000 })).toEqual([]);
  expect(rulesOf({ ...full, busy: 7, oldestReadyMs: 30_000 })).toEqual([]);
});

test('DeadJobs: dead letters are a notice and say how many are new', () => {
  const verdict = judge([{ ...QUIET, failed: 12, recent: { ...QUIET.recent, completed: 90, failed: 3 } }]);

  expect(verdict.flowing).toBe(true);
  expect(verdict.findings[0]).toMatchObject({
    rule: 'DeadJobs',
    message: 'has 12 dead letters, 3 of them in the last 10m',
  });
});

test('jobs that wait in a queue for dead letters need no worker, but are served like others if there is one', () => {
  const letters = { queue: 'dead', keepsDeadLetters: true, waiting: 4, oldestReadyMs: 900_000 };

  expect(rulesOf({ ...letters, workers: 0 })).toEqual(['notice dead DeadJobs']);
  expect(rulesOf({ ...letters, workers: 1 })).toEqual(['problem dead NotDraining']);
});

test('problems stand before notices and the headline counts the others', () => {
  const findings = rulesOf(
    { queue: 'a', failed: 1 },
    { queue: 'b', settings: { paused: true, objectiveMs: 60_000 }, waiting: 1 },
    { queue: 'c', workers: 0, waiting: 1 },
  );

  expect(findings).toEqual(['problem c NoWorkers', 'problem b PausedBacklog', 'notice a DeadJobs']);
});

test('a store that does not answer is the one problem', () => {
  expect(judgeUnreachable('no such host')).toMatchObject({
    flowing: false,
    headline: 'Work is not flowing: STORE UNREACHABLE: no such host',
    findings: [{ rule: 'StoreUnreachable', severity: 'problem', queue: null }],
  });
});
