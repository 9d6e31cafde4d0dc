/** What a poison does to its process, some time after it began, and what its neighbours do meanwhile. */

import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const DEEDS = {
  exit: () => process.exit(1),
  abort: () => process.abort(),
  // Below JavaScript, where a thread takes its process with it.
  segfault: () => process.kill(process.pid, 'SIGSEGV'),
  loop: () => {
    for (;;);
  },
  memory: () => {
    const all = [];
    for (;;) all.push(new Array(10_000).fill({ at: all.length }));
  },
};

export const processor = async (job) => {
  const { deed, runFile } = job.data;
  appendFileSync(runFile, `run ${job.id} ${process.pid}\n`);
  if (deed === undefined) return wait(400);
  await wait(150);
  appendFileSync(runFile, `poison ${job.id} ${process.pid}\n`);
  return DEEDS[deed]();
};
