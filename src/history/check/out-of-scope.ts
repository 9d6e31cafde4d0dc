/** Invariants that no history can be checked for, and why. */

import type { Check, CheckId } from './report.ts';

const NOT_BUILT = 'the feature does not exist yet';

const REASONS: readonly (readonly [CheckId, string, string])[] = [
  ['S12', 'jobs of one group run in their order', NOT_BUILT],
  ['S16', 'no more claims than the limiter of the store allows', NOT_BUILT],
  ['S17', 'no more jobs run at once than the limits of the store allow', NOT_BUILT],
  ['S20', 'one job for each tick of a schedule', NOT_BUILT],
  ['S21', 'a parent runs when its children are done, once', NOT_BUILT],
  [
    'S25',
    'all stores behave alike',
    'shown by random commands on all stores (test/model), not by one history',
  ],
];

export const outOfScope: readonly Check[] = REASONS.map(([id, promise, reason]) => ({
  id,
  promise,
  judge: () => ({ notMade: reason }),
}));
