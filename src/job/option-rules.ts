/**
 * How options are checked, those of jobs, queues and workers alike: a table of rules by name. Everything that is
 * wrong is told at once, and a misspelt name is answered with what it may have been meant to be.
 */

import { checkBoolean, checkInteger, checkKey, checkQueue, isRecord, nameOf, type Range } from './check.ts';
import { DURATION_EXAMPLES, durationMs } from './duration.ts';
import { MAX_DURATION_MS } from './limits.ts';
import { Problems } from './problems.ts';
import { didYouMean } from './suggest.ts';

/** Tells `problems` what is wrong with `value`, which is not undefined. */
export type Rule = (problems: Problems, part: string, value: unknown) => void;
export type Rules = Readonly<Record<string, Rule>>;

/**
 * @throws InvalidOptionError with all problems, each with its path below `subject`.
 */
export function checkOptions(subject: string, options: unknown, rules: Rules): void {
  const problems = new Problems();
  if (isRecord(options)) checkAgainst(problems, options, rules);
  else problems.invalid('options', `must be an object, is ${nameOf(options)}`);
  problems.throwIfAny(subject);
}

/** An option that is `undefined` counts as left out. */
export function checkAgainst(problems: Problems, options: object, rules: Rules): void {
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) problems.invalid(name, unknownOption(name, Object.keys(rules)));
    else if (value !== undefined) rule(problems, name, value);
  }
}

function unknownOption(name: string, known: readonly string[]): string {
  const guess = didYouMean(name, known);
  return `is not an option.${guess === '' ? ` The options are ${known.join(', ')}.` : guess}`;
}

export const anything: Rule = () => {};
export const flag: Rule = checkBoolean;
export const key: Rule = checkKey;
export const queueName: Rule = checkQueue;

/** The value, or null. */
export function orNull(rule: Rule): Rule {
  return (problems, part, value) => {
    if (value !== null) rule(problems, part, value);
  };
}

export function whole(range: Range): Rule {
  return (problems, part, value) => checkInteger(problems, part, value, range);
}

/** A number that need not be whole. */
export function between({ min, max }: Range): Rule {
  return (problems, part, value) => {
    if (typeof value === 'number' && value >= min && value <= max) return;
    problems.invalid(part, `must be a number from ${min} to ${max}, is ${nameOf(value)}`);
  };
}

/** A length of time: milliseconds or text. */
export function duration({ min, max }: Range = { min: 0, max: MAX_DURATION_MS }): Rule {
  return (problems, part, value) => {
    const ms = durationMs(value);
    if (ms === null) problems.invalid(part, `must be ${DURATION_EXAMPLES}; is ${nameOf(value)}`);
    else if (ms < min || ms > max) {
      problems.invalid(part, `must be from ${min} to ${max} ms, is ${nameOf(value)}`);
    }
  };
}

export function choice(choices: readonly string[]): Rule {
  return (problems, part, value) => {
    if (typeof value === 'string' && choices.includes(value)) return;
    const guess = typeof value === 'string' ? didYouMean(value, choices) : '';
    problems.invalid(part, `must be one of ${choices.join(', ')}; is ${nameOf(value)}.${guess}`);
  };
}

/** A function. */
export const callable: Rule = (problems, part, value) => {
  if (typeof value !== 'function') problems.invalid(part, `must be a function, is ${nameOf(value)}`);
};

/** Anything with these methods. */
export function methods(...names: readonly string[]): Rule {
  return (problems, part, value) => {
    const missing = names.filter((name) => typeof Reflect.get(Object(value), name) !== 'function');
    if (missing.length > 0) problems.invalid(part, `must have the method ${missing.join(', ')}`);
  };
}

/** An object with options of its own. */
export function shape(rules: Rules): Rule {
  return (problems, part, value) => {
    if (!isRecord(value)) {
      problems.invalid(part, `must be an object, is ${nameOf(value)}`);
      return;
    }
    problems.enter(part);
    checkAgainst(problems, value, rules);
    problems.leave();
  };
}
