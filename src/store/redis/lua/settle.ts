/** What becomes of an attempt. */
export const SETTLE: string = `
local function ran_ms(j) return math.max(0, now - (j.claimed_at or now)) end
local function requeued(after_ms)
  if after_ms > 0 then return { state = 'delayed', due_at = now + after_ms, ready_at = false } end
  return { state = 'waiting', due_at = false, ready_at = now }
end

-- Somebody asked the job to stop while it ran: it does not go back to work.
local function stop(j, fault, trace)
  close_attempt(j, { outcome = 'cancelled', error = fault, trace = trace })
  if fault then set_extra(j, 'e', fault) end
  cancel_now(j, 'cancelled', reason_of(j))
end
local function release(j, after_ms, trace)
  if j.has_reason then return stop(j, nil, trace) end
  close_attempt(j, { outcome = 'released', trace = trace })
  bump(j.q, 't:released', 1)
  alter(j, requeued(after_ms))
  tell(j.q, 'released', j.id, j.name)
end

local BECOME = {}
function BECOME.completed(j, trace, has_result, result)
  close_attempt(j, { outcome = 'completed', trace = trace })
  count(j.q, j.name, 'c')
  took(j.q, j.name, 'u', ran_ms(j))
  local kept = has_result == '1' and result or nil
  if j.claims > 1 then set_extra(j, 'e', false) end
  if kept then set_extra(j, 'r', kept) end
  finish(j, 'completed', {}, kept)
end
function BECOME.failed(j, trace, fault, cause)
  close_attempt(j, { outcome = 'failed', error = fault, trace = trace })
  count(j.q, j.name, 'f')
  took(j.q, j.name, 'u', ran_ms(j))
  bump(j.q, 't:attemptsFailed', 1)
  dead_letter(j, { error = fault, cause = cause, failures = j.failures + 1 })
end
function BECOME.cancelled(j, trace, reason, cause)
  close_attempt(j, { outcome = 'cancelled', trace = trace })
  cancel_now(j, cause, reason)
end
function BECOME.retry(j, trace, after, fault)
  if j.has_reason then return stop(j, fault, trace) end
  local after_ms = tonumber(after)
  close_attempt(j, { outcome = 'retried', error = fault, retry_after = after_ms, trace = trace })
  count(j.q, j.name, 'r')
  took(j.q, j.name, 'u', ran_ms(j))
  bump(j.q, 't:attemptsFailed', 1)
  local changes = requeued(after_ms)
  changes.failures = j.failures + 1
  set_extra(j, 'e', fault)
  alter(j, changes)
  tell(j.q, 'retried', j.id, j.name, fault)
end
function BECOME.released(j, trace, after) release(j, tonumber(after), trace) end
function BECOME.parked(j, trace, after)
  if j.has_reason then return stop(j, nil, trace) end
  close_attempt(j, { outcome = 'parked', trace = trace })
  alter(j, { state = 'parked', ready_at = false, due_at = after ~= '' and now + tonumber(after) or false })
end
`;

export const SETTLE_ONE: string = `
-- Its effects and what it becomes stand in the next \`size\` arguments.
local function settle_one()
  local name, id, token, lenient, trace = arg(), arg(), num(), arg() == '1', arg()
  local effects, size = num(), num()
  local after, back = place + size, said
  if trace == '' then trace = nil end
  local j, outcome, state = follow(name, id), 'gone', ''
  if not j then outcome, state = settled_before_move(id, token) end
  if j and token ~= 0 and j.settled_token == token then outcome, state = 'ok', j.state
  elseif j then
    outcome = fence(j, token)
    if outcome == 'ok' or (outcome == 'expired' and lenient) then
      for _ = 1, effects do EFFECT[arg()]() end
      unsay(back)
      outcome = 'gone'
      if not j.gone and j.state == 'active' then
        j.settled_token = token
        local to, a, b = arg(), arg(), arg()
        BECOME[to](j, trace, a, b)
        outcome, state = 'ok', j.state
      end
    end
  end
  place = after
  say(outcome)
  say(state)
end
`;

/**
 * Those of a commit that complete and about whom nothing is unusual, written together: a batch in which one job is retried
 * costs little more than one in which none is. Whatever does not fit is left to `settle_one`.
 */
export const COMPLETE_MANY: string = `
local function plain_of(q, asked)
  local ids, found, order = {}, {}, {}
  for index, each in ipairs(asked) do ids[index] = each.id end
  for index, seq in ipairs(call('HMGET', q.p .. 'i', unpack(ids))) do
    if seq then
      local b = floor(seq / BUCKET)
      if not found[b] then
        found[b] = { at = {}, n = {} }
        order[#order + 1] = b
      end
      local g = found[b]
      g.at[#g.at + 1], g.n[#g.n + 1] = asked[index], FIELD[seq % BUCKET + 1]
    end
  end
  return found, order
end

-- Active in its first run, with no time of its own, no trace and no wish to stop; and kept by its queue's rule.
local function is_plain(f, m, asked)
  if not f or not m or byte(m) ~= 16 + STATE_NO.active or byte(m, 2) > 1 then return false end
  if sunpack('>I7', m, 3) ~= asked.token then return false end
  if byte(f, 8) % 4 > 1 and sunpack('>I6', f, 32) > 0 then return false end
  return asked.lenient or (session_end(sub(m, 22)) or now) > now
end

local function complete_bucket(q, b, g, sum)
  local fixed, moving = call('HMGET', q.p .. 'f' .. b, unpack(g.n)), call('HMGET', q.p .. 'm' .. b, unpack(g.n))
  local set, rare, finished = {}, {}, spack('>I6', now + 1)
  for index, n in ipairs(g.n) do
    local f, m, asked = fixed[index], moving[index], g.at[index]
    if is_plain(f, m, asked) and not sum.seen[asked.id] then
      local pos, worker, token = byte(f, 8) % 4 > 1 and 45 or 11, sub(m, 22), S(asked.token)
      pos = pos + byte(f, 9) + 1
      local name, member = sub(f, pos, pos + byte(f, 10)), mark(b * BUCKET + tonumber(n))
      set[#set + 1], set[#set + 2] = n, char(16 + STATE_NO.completed, 0) .. sub(m, 3, 15) .. finished .. worker
      if asked.has_result then rare[#rare + 1], rare[#rare + 2] = n .. 'r', asked.result end
      sum.out[#sum.out + 1] = member
      sum.into[#sum.into + 1], sum.into[#sum.into + 2] = sum.now, member
      local leases = sum.leases[worker] or {}
      sum.leases[worker], leases[#leases + 1] = leases, token
      count(q, name, 'c')
      took(q, name, 'u', math.max(0, now - sunpack('>I6', m, 10)))
      asked.done, sum.seen[asked.id] = true, true
    end
  end
  if #set > 0 then call('HSET', q.p .. 'm' .. b, unpack(set)) end
  if #rare > 0 then call('HSET', q.p .. 'x' .. b, unpack(rare)) end
end

local function complete_many(q, asked)
  local found, order = plain_of(q, asked)
  local sum = { out = {}, into = {}, leases = {}, seen = {}, now = S(now) }
  for _, b in ipairs(order) do complete_bucket(q, b, found[b], sum) end
  if #sum.out == 0 then return end
  call('ZREM', q.p .. 'a', unpack(sum.out))
  call('ZADD', q.p .. 'zc', unpack(sum.into))
  for worker, tokens in pairs(sum.leases) do call('HDEL', P .. 'l:' .. worker, unpack(tokens)) end
  bump(q, 'active', -#sum.out)
  bump(q, 'completed', #sum.out)
  bump(q, 't:completed', #sum.out)
  hint(q.name, 'ended')
end

-- By queue, and in order. None at all where effects are to happen in between, which may concern any job.
local function candidates(many)
  local at, names, by_name, all = place, {}, {}, {}
  for index = 1, many do
    local effects, size = tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7])
    if effects > 0 then return {}, {}, {} end
    if ARGV[at + 8] == 'completed' and ARGV[at + 5] == '' then
      local name = ARGV[at + 1]
      if not by_name[name] then
        by_name[name] = {}
        names[#names + 1] = name
      end
      local list = by_name[name]
      all[index] = { id = ARGV[at + 2], token = tonumber(ARGV[at + 3]), lenient = ARGV[at + 4] == '1',
        has_result = ARGV[at + 9] == '1', result = ARGV[at + 10] }
      list[#list + 1] = all[index]
    end
    at = at + 7 + size
  end
  return names, by_name, all
end

local function settle_all()
  local many = num()
  local names, by_name, all = candidates(many)
  for _, name in ipairs(names) do
    local q = queue_at(name)
    if q and not q.rec and #by_name[name] > 1 and #by_name[name] <= 1000 and not kept_for_no_time(q, 'completed') then
      complete_many(q, by_name[name])
    end
  end
  for index = 1, many do
    if all[index] and all[index].done then
      place = place + 7 + tonumber(ARGV[place + 7])
      say('ok')
      say('completed')
    else settle_one() end
  end
end
`;

export const COMMIT: string = `
settle_all()
for _ = 1, num() do claim_one() end
flush()
say(hints_out())
return out
`;
