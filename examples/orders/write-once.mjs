/**
 * A file that is there is whole, and was written once. A job may run twice (that is what at-least-once means), so
 * whatever a processor leaves behind has to be the same after the second run: here, by never writing it again.
 */

import { link, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const DRAFT = '.draft-';

/** Makes the folder, and clears away drafts of a process that was killed while it wrote. */
export async function openFolder(folder) {
  await mkdir(folder, { recursive: true });
  const drafts = (await readdir(folder)).filter((name) => name.includes(DRAFT));
  await Promise.all(drafts.map((name) => rm(join(folder, name), { force: true })));
}

/**
 * Writes and flushes a draft, then gives it its name in one step, which fails if the name is taken.
 * Answers whether it was this call that made the file.
 */
export async function writeOnce(path, content) {
  const draft = `${path}${DRAFT}${process.pid}`;
  await writeFile(draft, content, { flush: true });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}
