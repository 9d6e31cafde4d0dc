import type { Clock } from './clock.ts';

/**
 * Whether `work` is done within `ms`; does not wait longer, and leaves no timer behind. A rejection counts as
 * done: whoever cares about it awaits `work` itself.
 */
export function within(clock: Clock, work: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => resolve(false));
    const done = (): void => {
      timer.cancel();
      resolve(true);
    };
    work.then(done, done);
  });
}
