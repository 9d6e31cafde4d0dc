/** Has one child process do one part of a question, for one peer. */

import { join } from 'node:path';
import { MARK } from './mark.mjs';
import { bench } from './paths.mjs';
import { run } from './processes.mjs';

export const CHILD = join(bench, 'harness', 'child.mjs');
const DEFAULT_TIMEOUT_MS = 120_000;

/**
 * What a child is told: `name` of the question, `peer`, `part` (a function of the question), `variant`, `number` of the
 * run, `size`, `folder` of this run alone, `shared` folder of the question.
 */
export async function ask(peer, order, timeoutMs = DEFAULT_TIMEOUT_MS) {
  const told = JSON.stringify({ ...order, ...peer.context });
  const output = await run(peer.runtime, [CHILD, told], { timeoutMs, cwd: order.folder });
  return JSON.parse(output.slice(output.lastIndexOf(MARK) + MARK.length));
}
