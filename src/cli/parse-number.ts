import { InvalidArgumentError } from 'commander';
import { MAX_PAGE } from '../job/limits.ts';

/** For options of the command line: a whole number within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

export const parseLimit: (text: string) => number = wholeNumber(1, MAX_PAGE);

/** `10/s`, `600/m`, `36000/h` or a bare `10` → jobs a second. */
export function parseRate(text: string): number {
  const [, amount = '', unit = 's'] = /^(\d+(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(text) ?? [];
  const perSecond = Number(amount) / (unit === 's' ? 1 : unit === 'm' ? 60 : 3_600);
  if (amount !== '' && perSecond > 0 && perSecond <= 1_000_000) return perSecond;
  throw new InvalidArgumentError('It must be a rate such as 10/s, 600/m or 36000/h.');
}
