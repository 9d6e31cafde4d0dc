/** Renewals, and the sessions that leases are bound to. */
export const RENEW: string = `
local function renew_one(lease_ms)
  local q, id, token = queue_at(arg()), arg(), num()
  local j = find_job(q, id)
  if not j then return 'gone', false end
  local reason = j.token == token and reason_of(j)
  if j.state ~= 'active' or j.token ~= token then return 'superseded', reason end
  if j.deadline_at and j.deadline_at <= now then return 'timed-out', reason end
  local bound = not j.lease_expires_at and lease_ms > 0
  if bound and not j.suspect_at then return 'ok', reason end
  clear_suspicion(j)
  if not bound then
    j.lease_expires_at = lease_end(lease_ms, j.deadline_at)
    time_lease(j)
  end
  save(j)
  return 'ok', reason
end
`;

export const RENEWALS: string = `
local lease_ms = num()
for _ = 1, num() do
  local outcome, reason = renew_one(lease_ms)
  say(outcome)
  say(reason or false)
end
flush()
say(hints_out())
return out
`;

/** Each: id, time to live, what it shows of itself. */
export const BEATS: string = `
for _ = 1, num() do
  local id, ttl_ms, shown = arg(), num(), arg()
  local known = call('HGET', P .. 'se', id)
  local started, expires = S(now), 0
  if known then
    local began, _, till = string.match(known, '^(%S+) (%S+) (%S+)')
    started, expires = began, tonumber(till)
  end
  call('HSET', P .. 'se', id, started .. ' ' .. S(now) .. ' ' .. S(now + ttl_ms) .. ' ' .. shown)
  say(expires > now and 'kept' or 'begun')
end
say({})
return out
`;

/** Token and job of each lease of a worker, by token. */
export const LEASES_OF: string = `
local function leases_of(worker)
  local flat, found = call('HGETALL', P .. 'l:' .. worker), {}
  for index = 1, #flat, 2 do
    local number, seq = string.match(flat[index + 1], '^(%d+):(%d+)$')
    found[#found + 1] = { token = tonumber(flat[index]), number = number, seq = tonumber(seq) }
  end
  table.sort(found, function(one, other) return one.token < other.token end)
  return found
end
`;

export const END_SESSION: string = `
local id = arg()
local held = leases_of(id)
for _, lease in ipairs(held) do
  local j = job_no(queue_no(lease.number), lease.seq)
  release(j, 0)
end
call('HDEL', P .. 'se', id)
call('DEL', P .. 'sc:' .. id)
flush()
say(#held)
say(hints_out())
return out
`;
