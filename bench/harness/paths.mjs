/** Where things are. */

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const bench = join(dirname(fileURLToPath(import.meta.url)), '..');
export const root = join(bench, '..');
