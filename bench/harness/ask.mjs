/** Puts one question to one peer, in a fresh process with a fresh folder. */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MARK } from './mark.mjs';
import { bench } from './paths.mjs';
import { run } from './processes.mjs';

const CHILD = join(bench, 'harness', 'child.mjs');
const DEFAULT_TIMEOUT_MS = 120_000;

/** `folder` is of the question and stays for all its runs; each run has its own beside that. */
export async function ask({ name, question, peer, peerName, size, folder, part, variant, number }) {
  const own = join(folder, `${peerName}-${part}-${number}`);
  mkdirSync(own, { recursive: true });
  const order = {
    name,
    peer: peerName,
    part,
    variant,
    number,
    size,
    shared: folder,
    folder: own,
    ...peer.context,
  };
  try {
    const timeoutMs = question.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const output = await run(peer.runtime, [CHILD, JSON.stringify(order)], { timeoutMs, cwd: own });
    return JSON.parse(output.slice(output.lastIndexOf(MARK) + MARK.length));
  } finally {
    rmSync(own, { recursive: true, force: true, maxRetries: 3 });
  }
}
