/** graphile-worker as it comes. */

import { openGraphile } from './graphile-modes.mjs';

export const open = (order) => openGraphile(order, {});
