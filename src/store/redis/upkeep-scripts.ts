/** The scripts of upkeep, joined from their parts. */

import { PRUNE_CHANGES } from './lua/feed.ts';
import { FORGET_OPERATIONS, OPERATE } from './lua/operations.ts';
import { RECLAIM } from './lua/reclaim.ts';
import { LEASES_OF } from './lua/sessions.ts';
import { FOLD } from './lua/stats.ts';
import { AFTER_OPERATIONS, CHORES, UPKEEP } from './lua/upkeep.ts';
import { relievingScript, type Script } from './script.ts';
import { BASE, EFFECTS } from './scripts.ts';

const PARTS: readonly string[] = [...BASE, ...EFFECTS, PRUNE_CHANGES, FOLD, FORGET_OPERATIONS, CHORES];

export const KEEP_UP: Script = relievingScript('upkeep', ...PARTS, LEASES_OF, RECLAIM, UPKEEP);
export const KEEP_UP_AFTER: Script = relievingScript('upkeep-after', ...PARTS, AFTER_OPERATIONS);
export const OPERATE_ON: Script = relievingScript('operate', ...BASE, ...EFFECTS, OPERATE);
