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

-- All that is over, the first of it in order. One page alone is in order already, unless it is of those with own rules.
local function all_over(names, limit)
  local over, pages = {}, 0
  for _, name in ipairs(names) do
    local q = queue_at(name)
    for state in pairs(FINISHED) do
      local before = #over
      add_ruled(over, q, state, limit)
      if #over > before then pages = pages + 1 end
    end
    local before = #over
    add_own(over, q, limit)
    if #over > before then pages = 2 end
  end
  if pages > 1 then table.sort(over, by_time) end
  return over
end

-- Completed ones of one bucket that never came from another queue. The only attempt of most is written nowhere else.
local function drop_plain(q, b, plain)
  local p, rare = q.p, {}
  if call('EXISTS', p .. 'x' .. b) == 1 then
    for index, n in ipairs(plain.n) do
      local at = 5 * index
      rare[at - 4], rare[at - 3], rare[at - 2], rare[at - 1], rare[at] = n .. 'r', n .. 'p', n .. 'e', n .. 'c', n .. 'o'
    end
    call('HDEL', p .. 'x' .. b, unpack(rare))
  end
  call('HDEL', p .. 'f' .. b, unpack(plain.n))
  call('HDEL', p .. 'm' .. b, unpack(plain.n))
  call('HDEL', p .. 'i', unpack(plain.ids))
  call('DEL', unpack(plain.beside))
  if call('EXISTS', p .. 'f' .. b) == 0 then call('ZREM', p .. 'b', b) end
  bump(q, 'completed', -#plain.n)
  bump(q, 't:removed', #plain.n)
end

local function discard_bucket(q, b, fields)
  local fixed, moving = call('HMGET', q.p .. 'f' .. b, unpack(fields)), call('HMGET', q.p .. 'm' .. b, unpack(fields))
  local plain = { n = {}, ids = {}, beside = {} }
  for index, n in ipairs(fields) do
    local f, m, seq = fixed[index], moving[index], b * BUCKET + tonumber(n)
    local special = f and byte(f, 8) % 4 > 1
    local is_short = m and byte(m) == 16 + STATE_NO.completed
    local is_long = m and byte(m) == STATE_NO.completed and byte(m, 2) < 4
    if f and (is_short or is_long) and not (special and sunpack('>I6', f, 32) > 0) then
      local pos, at = special and 45 or 11, #plain.n + 1
      plain.n[at], plain.ids[at] = n, sub(f, pos, pos + byte(f, 9))
      plain.beside[#plain.beside + 1] = q.p .. 'g' .. S(seq)
      if is_long then plain.beside[#plain.beside + 1] = q.p .. 't' .. S(seq) end
      jobs[seq] = nil
    else discard_now(job_no(q, seq)) end
  end
  if #plain.n > 0 then drop_plain(q, b, plain) end
  return #plain.n
end

-- One by one where somebody is told of each, in order; else by buckets.
local function discard_first(over, many)
  local order, buckets = {}, {}
  for i = 1, many do
    local q, seq = over[i].q, over[i].seq
    local b = floor(seq / BUCKET)
    local key = q.n .. ':' .. b
    if q.rec then discard_now(job_no(q, seq))
    else
      if not buckets[key] then
        buckets[key] = { q = q, b = b, fields = {} }
        order[#order + 1] = buckets[key]
      end
      local fields = buckets[key].fields
      fields[#fields + 1] = FIELD[seq % BUCKET + 1]
    end
  end
  local plain = {}
  for _, each in ipairs(order) do
    plain[each.q] = (plain[each.q] or 0) + discard_bucket(each.q, each.b, each.fields)
  end
  -- Those that were plain are the first of the order now that the others have left it.
  for q, dropped in pairs(plain) do
    if dropped > 0 then call('ZREMRANGEBYRANK', q.p .. 'zc', 0, dropped - 1) end
  end
end

local function prune(names, limit)
  local over = all_over(names, limit)
  local many = math.min(#over, limit)
  discard_first(over, many)
  return many, #over > limit
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
