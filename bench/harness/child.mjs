/**
 * Does one part of one question, for one peer, in a process that does nothing else. Started by `ask.mjs`, on Node or on
 * Bun; prints its answer as the last line. Ends when its parent does, however that ended.
 */

import { MARK } from './mark.mjs';

const order = JSON.parse(process.argv[2]);

process.stdin.on('end', () => process.exit(1)).resume();

const { question } = await import(`../questions/${order.within}${order.name}.mjs`);
const { open } = await import(`../peers/${order.within}${order.peer}.mjs`);
const answer = await question[order.part]({
  ...order,
  order,
  open: (options) => open({ ...order, ...options }),
});
process.stdout.write(`${MARK}${JSON.stringify(answer ?? {})}\n`, () => process.exit(0));
