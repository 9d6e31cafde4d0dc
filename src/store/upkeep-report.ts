import type { UpkeepReport } from './store.ts';

/** The answer to a holder while another one leads: nothing was done. */
export const NOT_LEADING: UpkeepReport = Object.freeze({
  led: false,
  promoted: 0,
  reclaimed: [],
  suspicionMs: 0,
  expired: 0,
  pruned: 0,
  operated: 0,
  more: false,
  nextDueInMs: null,
});
