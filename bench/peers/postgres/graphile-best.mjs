/** graphile-worker in the mode that its makers publish figures of: jobs fetched by 500, ends written by batches. */

import { openGraphile } from './graphile-modes.mjs';

const BATCHED = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };

export const open = (order) => openGraphile(order, BATCHED);
