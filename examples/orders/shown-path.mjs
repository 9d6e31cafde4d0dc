import { isAbsolute, relative } from 'node:path';

/** A path as somebody here would type it: relative while that is below this folder. */
export function shownPath(path) {
  const here = relative(process.cwd(), path);
  return here.startsWith('..') || isAbsolute(here) ? path : here || '.';
}
