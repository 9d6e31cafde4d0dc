import { InvalidOptionError } from '../errors.ts';
import { durationMs } from '../job/duration.ts';

/** Milliseconds of `500ms`, `10m`, `1h30m`, `2d`. A number alone is refused: nobody knows which unit was meant. */
export function parseDuration(text: string, path: string): number {
  const ms = durationMs(text);
  if (ms !== null) return ms;
  const hint = /^\d+$/.test(text) ? ` Did you mean ${text}s or ${text}ms?` : '';
  const message = `"${text}" is not a length of time. Write for example 500ms, 30s, 10m, 1h30m or 2d.${hint}`;
  throw new InvalidOptionError('the command line', [{ path, message }]);
}
