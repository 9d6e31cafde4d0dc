/** Whether the queues of a namespace spread stands in it, from the first opening on. */

import { EnvironmentError } from '../../errors.ts';
import type { RedisPlace } from '../redis-options.ts';
import type { RedisLink } from './driver.ts';
import { isUnknownScript } from './map-error.ts';
import { type Reply, textOf } from './reply.ts';
import { script } from './script.ts';

const TOGETHER = 'together';

/** A namespace that was used before this was written is one whose queues are together. */
const NOTE_MODE = script(
  'mode',
  `
local call, key = redis.call, KEYS[1] .. 'mode'
local known = call('GET', key)
if not known then
  known = ARGV[1]
  if call('EXISTS', KEYS[1] .. 'n') == 1 then known = '${TOGETHER}' end
  call('SET', key, known)
end
return known
`,
);

/** @throws EnvironmentError when the namespace was opened in the other mode. */
export async function checkMode(link: RedisLink, { prefix, spread, url }: RedisPlace): Promise<void> {
  const wanted = spread ?? TOGETHER;
  const known = await modeOf(link, prefix, wanted);
  if (known === wanted) return;
  const is = known === TOGETHER ? 'keeps its queues together' : "was opened with spread: 'queue'";
  const advice = known === TOGETHER ? 'Open it without `spread`' : "Open it with `spread: 'queue'`";
  throw new EnvironmentError(
    `the namespace at ${url} ${is}, and its jobs would not be found otherwise. ${advice}, or name another namespace.`,
  );
}

async function modeOf(link: RedisLink, prefix: string, wanted: string): Promise<string> {
  const known = await link.call('get', [`${prefix}mode`]);
  if (known !== null) return textOf(known);
  try {
    return textOf(await note(link, prefix, wanted));
  } catch (error) {
    // What cannot be written now is told by the first call that writes.
    if (wanted === TOGETHER) return wanted;
    throw error;
  }
}

async function note(link: RedisLink, prefix: string, wanted: string): Promise<Reply> {
  try {
    return await link.call('evalsha', [NOTE_MODE.sha, 1, prefix, wanted]);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return link.call('eval', [NOTE_MODE.text, 1, prefix, wanted]);
  }
}
