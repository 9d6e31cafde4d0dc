import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/**
 * Lets go of connections that were closed. The driver for Node 20 keeps each one, with its files, until the last of its
 * statements is collected, and thousands of them would be more than a process may have open.
 */
export async function sweep(): Promise<void> {
  collect();
  await turn();
}
