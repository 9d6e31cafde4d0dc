/** Everything that `apply`, and a settlement beside its end, can do; by name. */

import { ADD_EFFECT } from './add.ts';
import { ADMIN } from './admin.ts';
import { MOVES } from './moves.ts';
import { OPERATIONS } from './operations.ts';

/** A script has room for 200 local names: what nobody else calls is kept within. */
export const EFFECTS: string = `
local EFFECT, MOVE = {}, {}
local audit_rows, operation_key, end_operation
do
${MOVES}
${ADMIN}
${OPERATIONS}
${ADD_EFFECT}
EFFECT.send = function()
  local target = arg()
  send(target, 'apply', arg())
end
end
`;
