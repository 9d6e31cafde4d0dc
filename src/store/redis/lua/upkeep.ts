/** Standing chores. Every chore takes the oldest of all queues, as many as the budget allows. */

import {
  CHANGES_KEPT,
  CHANGES_KEPT_MS,
  HOURS_KEPT_MS,
  MINUTES_KEPT_MS,
  OPERATIONS_KEPT_MS,
  REMEMBERED_MS,
} from '../../../job/keep.ts';

export const CHORES: string = `
local function lead(holder, lease_ms)
  local known = call('GET', P .. 'leader')
  local till, who = 0, nil
  if known then
    local text
    text, who = string.match(known, '^(%d+) (.*)$')
    till = tonumber(text)
    if who ~= holder and till > now then return false end
  end
  local left = till - now
  if who == holder and left > lease_ms / 2 and left <= lease_ms then return true end
  call('SET', P .. 'leader', S(now + lease_ms) .. ' ' .. holder)
  return true
end

local function by_time(one, other)
  if one.at ~= other.at then return one.at < other.at end
  return one.seq < other.seq
end

-- The first of an order up to now, with their times.
local function add_due(over, q, key, many)
  local page = call('ZRANGEBYSCORE', q.p .. key, '-inf', S(now), 'WITHSCORES', 'LIMIT', 0, many)
  for i = 1, #page, 2 do over[#over + 1] = { q = q, seq = unmark(page[i]), at = tonumber(page[i + 1]) } end
end

local function promote_all(names, limit)
  local due = {}
  for _, name in ipairs(names) do
    local q = queue_at(name)
    if not q.paused then add_due(due, q, 'd', limit + 1) end
  end
  table.sort(due, by_time)
  for i = 1, math.min(#due, limit) do promote_now(job_no(due[i].q, due[i].seq), due[i].at) end
  return math.min(#due, limit), #due > limit
end

local function expire_all(names, limit)
  local over = {}
  for _, name in ipairs(names) do add_due(over, queue_at(name), 'e', limit + 1) end
  table.sort(over, by_time)
  for i = 1, math.min(#over, limit) do expire(job_no(over[i].q, over[i].seq)) end
  return math.min(#over, limit), #over > limit
end

-- Beyond the age or the number of its queue's rule; those are the first of the order.
local function add_ruled(over, q, state, limit)
  local key = q.p .. FINISHED[state]
  local age, cap = q.age[state], q.cap[state]
  local many = age and call('ZCOUNT', key, '-inf', S(now - age)) or 0
  if cap then many = math.max(many, call('ZCARD', key) - cap) end
  if many <= 0 then return end
  local page = call('ZRANGE', key, 0, math.min(many, limit + 1) - 1, 'WITHSCORES')
  for i = 1, #page, 2 do over[#over + 1] = { q = q, seq = unmark(page[i]), at = tonumber(page[i + 1]) } end
end

-- Those with a rule of their own stand by the time at which it ends.
local function add_own(over, q, limit)
  local first = #over + 1
  add_due(over, q, 'zk', math.max(limit + 1, 1000))
  for i = first, #over do over[i].at = job_no(q, over[i].seq).finished_at end
end

local function prune(names, limit)
  local over = {}
  for _, name in ipairs(names) do
    local q = queue_at(name)
    for state in pairs(FINISHED) do add_ruled(over, q, state, limit) end
    add_own(over, q, limit)
  end
  table.sort(over, by_time)
  for i = 1, math.min(#over, limit) do discard_now(job_no(over[i].q, over[i].seq)) end
  return math.min(#over, limit), #over > limit
end

local function forget_sessions()
  local known = call('HGETALL', P .. 'se')
  for i = 1, #known, 2 do
    local till = tonumber(string.match(known[i + 1], '^%S+ %S+ (%S+)'))
    -- One that holds leases is needed to judge them.
    if till <= now and call('EXISTS', P .. 'l:' .. known[i]) == 0 then 
      call('HDEL', P .. 'se', known[i])
      call('DEL', P .. 'sc:' .. known[i])
    end
  end
end

-- Answers go by themselves; this says till when, so that all agree on it.
local function forget_answers()
  local till = now - ${REMEMBERED_MS}
  if till > forgotten_till() then call('HSET', NUM, 'forgotten', S(till)) end
end

local function forget(names)
  forget_sessions()
  forget_answers()
  prune_changes(${CHANGES_KEPT}, ${CHANGES_KEPT_MS})
  forget_operations(${OPERATIONS_KEPT_MS})
  fold_stats(names, ${MINUTES_KEPT_MS}, ${HOURS_KEPT_MS})
end

-- Time to the next job that becomes due or expires in a queue that is not paused; -1 for never.
local function next_due(names)
  local first
  for _, name in ipairs(names) do
    local q = queue_at(name)
    for _, key in ipairs({ 'd', 'e' }) do
      local head = not q.paused and call('ZRANGE', q.p .. key, 0, 0, 'WITHSCORES')[2]
      if head and (not first or tonumber(head) < first) then first = tonumber(head) end
    end
  end
  return first and math.max(0, first - now) or -1
end
`;

/** ARGV: holder, leaderLeaseMs, limit, reclaim. Says 0, or 1 and what was done; the rest is left to FORGET if operations run. */
export const UPKEEP: string = `
local holder, lease_ms, limit, asked = arg(), num(), num(), arg() == '1'
if lead(holder, lease_ms) then
  say(1)
  sent = call('EXISTS', P .. 'ob') == 1
  local names = call('HVALS', P .. 'names')
  local promoted, more = promote_all(names, limit)
  local more_reclaim, suspicion = false, 0
  if asked then more_reclaim, suspicion = reclaim(limit) else say(0) end
  local expired, more_expired = expire_all(names, limit)
  local pruned, more_pruned = prune(names, limit)
  say(promoted)
  say(suspicion)
  say(expired)
  say(pruned)
  say((more or more_reclaim or more_expired or more_pruned) and 1 or 0)
  local running = call('ZCARD', P .. 'opr')
  say(running)
  if running == 0 then
    flush()
    forget(call('HVALS', P .. 'names'))
    say(next_due(call('HVALS', P .. 'names')))
  end
else
  say(0)
end
flush()
say(hints_out())
return out
`;

/** After operations. Says the time to the next job, and the running operations. */
export const AFTER_OPERATIONS: string = `
local names = call('HVALS', P .. 'names')
forget(names)
say(next_due(names))
flush()
say(hints_out())
return out
`;
