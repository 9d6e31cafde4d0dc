/** Bulk operations: a hash each; those that run, and those that ended, by the time. */

/** Also the audit trail: the newest stand first. */
export const OPERATIONS: string = `
operation_key = function(id) return P .. 'op:' .. id end

EFFECT['start-operation'] = function()
  local id, spec = arg(), arg()
  if call('HSETNX', operation_key(id), 'spec', spec) == 1 then
    call('HSET', operation_key(id), 'state', 'running', 'done', 0, 'skipped', 0, 'scanned', 0, 'at', S(now), 'after', 0,
      'until', S(number_of('seq')))
    call('ZADD', P .. 'ops', now, id)
    call('ZADD', P .. 'opr', now, id)
  end
  say('ok')
end

end_operation = function(id, state)
  call('HSET', operation_key(id), 'state', state, 'end', S(now))
  call('ZREM', P .. 'opr', id)
  call('ZADD', P .. 'ope', now, id)
end

EFFECT['abort-operation'] = function()
  local id = arg()
  local state = call('HGET', operation_key(id), 'state')
  if state == 'running' then end_operation(id, 'aborted') end
  say(state and 'ok' or 'gone')
end

audit_rows = function()
  local many = num()
  for _ = 1, many do call('LPUSH', P .. 'audit', S(now) .. ' ' .. arg()) end
  if many > 0 then call('LTRIM', P .. 'audit', 0, 9999) end
end
`;

export const FORGET_OPERATIONS: string = `
local function forget_operations(kept_ms)
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'ope', '-inf', S(now - kept_ms))) do
    call('DEL', operation_key(id))
    call('ZREM', P .. 'ope', id)
    call('ZREM', P .. 'ops', id)
  end
end
`;

/**
 * One slice of an operation, chosen by who calls. ARGV: id, the last number it had seen (another one has gone on if it is
 * not that any more), the new one, how many were looked at, 1 at the end, what to do, its argument, then the jobs: queue,
 * number, and what it was in ('' where it may be in any state). Says how many were done, or nothing.
 */
export const OPERATE: string = `
local id, after, to, scanned, ended, move, given = arg(), arg(), arg(), num(), arg() == '1', arg(), arg()
local key = operation_key(id)
local known = call('HMGET', key, 'state', 'after')
if known[1] == 'running' and known[2] == after then
  local done, touched = 0, num()
  operating = id
  for _ = 1, touched do
    local name, seq, state = arg(), num(), arg()
    local q = queue_at(name)
    local j = q and job_no(q, seq)
    if j and j.state == state and MOVE[move](j, given) == 'ok' then done = done + 1 end
  end
  call('HINCRBY', key, 'done', done)
  call('HINCRBY', key, 'skipped', touched - done)
  call('HINCRBY', key, 'scanned', scanned)
  call('HSET', key, 'after', to)
  if ended then end_operation(id, 'done') end
  say(done)
end
flush()
say(hints_out())
return out
`;
