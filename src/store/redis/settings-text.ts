import {
  DEFAULT_QUEUE_SETTINGS,
  patchSettings,
  type QueuePatch,
  type QueueSettings,
} from '../../job/queue-settings.ts';

const STATES = ['completed', 'failed', 'cancelled'] as const;

/**
 * The settings of a queue as the scripts read them: twelve values between bars, `-` for null. A name of a queue never
 * is `-`, and holds no bar.
 */
export function textOfSettings(settings: QueueSettings): string {
  const { paused, delivery, maxCrashes, deadLetterQueue, retention, objectiveMs, feed } = settings;
  const kept = STATES.flatMap((state) => [retention[state].ageMs, retention[state].count]);
  return [
    paused ? 1 : 0,
    delivery === 'at-most-once' ? 1 : 0,
    maxCrashes,
    deadLetterQueue ?? '-',
    ...kept.map((bound) => bound ?? '-'),
    objectiveMs,
    feed,
  ].join('|');
}

export const DEFAULT_SETTINGS_TEXT: string = textOfSettings(DEFAULT_QUEUE_SETTINGS);

export function settingsOfText(text: string): QueueSettings {
  const values = text.split('|');
  const bound = (index: number): number | null => {
    const value = values[index] ?? '-';
    return value === '-' ? null : Number(value);
  };
  const retention = (index: number): QueueSettings['retention']['completed'] => ({
    ageMs: bound(index),
    count: bound(index + 1),
  });
  return {
    paused: values[0] === '1',
    delivery: values[1] === '1' ? 'at-most-once' : 'at-least-once',
    maxCrashes: Number(values[2]),
    deadLetterQueue: values[3] === '-' ? null : (values[3] ?? null),
    retention: { completed: retention(4), failed: retention(6), cancelled: retention(8) },
    objectiveMs: Number(values[10]),
    feed: values[11] === 'on' ? 'on' : 'auto',
  };
}

/** What a patch changes, value by value; empty for what it leaves as it is. */
export function textsOfPatch(patch: QueuePatch): string[] {
  const whole = textOfSettings(patchSettings(DEFAULT_QUEUE_SETTINGS, patch)).split('|');
  const { retention = {} } = patch;
  const isSet = [
    'paused' in patch,
    'delivery' in patch,
    'maxCrashes' in patch,
    'deadLetterQueue' in patch,
    ...STATES.flatMap((state) => {
      const bounds = retention[state] ?? {};
      return ['ageMs' in bounds, 'count' in bounds];
    }),
    'objectiveMs' in patch,
    'feed' in patch,
  ];
  return whole.map((value, index) => (isSet[index] === true ? value : ''));
}
