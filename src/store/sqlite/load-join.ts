/** Jobs in the application's transactions take most of the engine's code, and few programs use them. */

import { createRequire } from 'node:module';
import type { applyInside } from './join.ts';

interface Join {
  readonly applyInside: typeof applyInside;
}

let loaded: Join | null = null;

/**
 * Loaded by its first use, and at once if that is possible: between two statements of its transaction the application
 * does not expect that others get a turn, who perhaps use the same connection.
 */
export function loadJoin(): Join | Promise<Join> {
  loaded ??= requireJoin();
  return loaded ?? importJoin();
}

/** null where there is no such file beside this one: in a bundle, and in the sources. */
function requireJoin(): Join | null {
  if (!process.features.require_module || !import.meta.url.endsWith('/sqlite/load-join.js')) return null;
  try {
    return createRequire(import.meta.url)('./join.js') as Join;
  } catch {
    // Node refuses while an `import` of the same files is under way, and then that is what has to be waited for.
    return null;
  }
}

async function importJoin(): Promise<Join> {
  loaded = await import('./join.ts');
  return loaded;
}
