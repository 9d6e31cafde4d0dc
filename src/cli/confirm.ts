import { InvalidOptionError } from '../errors.ts';
import type { Cli } from './cli.ts';

export interface Question {
  /** What is about to happen, with exact numbers. */
  readonly text: string;
  /** Must be typed to go on; without it a plain yes does. */
  readonly word?: string;
}

/**
 * Asks before something is done that cannot be undone. Where nobody can answer, `--yes` has to say it beforehand:
 * a script that hangs on a question is worse than one that fails.
 */
export async function confirm(
  cli: Cli,
  options: { readonly yes?: boolean },
  question: Question,
): Promise<boolean> {
  if (options.yes === true) return true;
  if (!cli.terminal.interactive) {
    const message = `needed because nobody can be asked here. ${question.text}`;
    throw new InvalidOptionError('the command line', [{ path: '--yes', message }]);
  }
  const { word } = question;
  const prompt = word === undefined ? 'Go on? [y/N] ' : `Type ${word} to go on: `;
  const answer = (await cli.terminal.ask(`${question.text}\n${prompt}`)).trim();
  const agreed = word === undefined ? /^y(es)?$/i.test(answer) : answer === word;
  if (!agreed) cli.terminal.err.write('Nothing was done.\n');
  return agreed;
}
