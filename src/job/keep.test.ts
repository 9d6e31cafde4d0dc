import { expect, test } from 'vitest';
import { deadLetterTarget, keptForNoTime } from './keep.ts';
import { DEFAULT_QUEUE_SETTINGS, patchSettings } from './queue-settings.ts';
import type { JobPolicy } from './record.ts';

const POLICY: JobPolicy = {
  attempts: 1,
  backoff: null,
  retryForMs: null,
  timeoutMs: null,
  ttlMs: null,
  deadLetterQueue: null,
  keepCompletedMs: null,
  keepFailedMs: null,
};

test("a job's own word about how long it is kept overrules the queue's", () => {
  const none = patchSettings(DEFAULT_QUEUE_SETTINGS, {
    retention: { completed: { ageMs: 0 }, failed: { count: 0 } },
  });

  expect(keptForNoTime(POLICY, none, 'completed')).toBe(true);
  expect(keptForNoTime(POLICY, none, 'failed')).toBe(true);
  expect(keptForNoTime(POLICY, none, 'cancelled')).toBe(false);
  expect(keptForNoTime({ ...POLICY, keepCompletedMs: 5 }, none, 'completed')).toBe(false);
  expect(keptForNoTime({ ...POLICY, keepCompletedMs: 0 }, DEFAULT_QUEUE_SETTINGS, 'completed')).toBe(true);
  expect(keptForNoTime({ ...POLICY, keepFailedMs: 0 }, DEFAULT_QUEUE_SETTINGS, 'cancelled')).toBe(false);
});

test('a dead letter goes where the job says, else where the queue says, and never to its own queue', () => {
  const settings = patchSettings(DEFAULT_QUEUE_SETTINGS, { deadLetterQueue: 'dead' });

  expect(deadLetterTarget(POLICY, DEFAULT_QUEUE_SETTINGS, 'mails')).toBe(null);
  expect(deadLetterTarget(POLICY, settings, 'mails')).toBe('dead');
  expect(deadLetterTarget({ ...POLICY, deadLetterQueue: 'lost' }, settings, 'mails')).toBe('lost');
  expect(deadLetterTarget(POLICY, settings, 'dead')).toBe(null);
});
