/**
 * Effects on one job: each reads what it takes by `arg` and says its outcome. Used by `apply`, by settlements and by bulk
 * operations, which is why what is done to a job stands apart from how it is named.
 */

export const MOVES: string = `
local function wrong_state(j)
  return 'wrong-state', j.state
end

MOVE.cancel = function(j, reason)
  if FINISHED[j.state] then return wrong_state(j) end
  if j.state == 'active' then
    set_reason(j, reason)
    put(j, {})
    hint(j.q.name, 'cancel')
  else
    cancel_now(j, 'cancelled', reason)
  end
  return 'ok'
end

MOVE.redrive = function(j, to)
  local name = to ~= '' and to or j.q.name
  local elsewhere = name ~= j.q.name
  if not (FINISHED[j.state] or (elsewhere and (j.state == 'waiting' or j.state == 'delayed'))) then return wrong_state(j) end
  if elsewhere and find_job(queue_at(name), j.id) then return 'duplicate' end
  if elsewhere and SPREAD then
    send_job(j, name, 'redrive', {})
    return 'ok'
  end
  set_extra(j, 'r', false)
  set_extra(j, 'p', false)
  if elsewhere then move_to(j, name, 'redrive') else alter(j, fresh_start(j)) end
  tell(j.q, 'waiting', j.id, j.name)
  return 'ok'
end

MOVE.discard = function(j)
  if j.state == 'active' then return wrong_state(j) end
  discard_now(j)
  return 'ok'
end

MOVE.promote = function(j)
  if j.state ~= 'delayed' then return wrong_state(j) end
  promote_now(j, now)
  return 'ok'
end

MOVE.reschedule = function(j, delay)
  if j.state ~= 'delayed' and j.state ~= 'waiting' then return wrong_state(j) end
  if delay == 0 then
    if j.state == 'waiting' then return 'ok' end
    return MOVE.promote(j)
  end
  local due = now + delay
  -- The time to live counts from when the job is due, so it moves along.
  local expires = j.expires_at
  if expires and j.ttl_ms then expires = due + j.ttl_ms end
  alter(j, { state = 'delayed', due_at = due, ready_at = false, expires_at = expires })
  tell(j.q, 'delayed', j.id, j.name)
  return 'ok'
end

MOVE.prioritize = function(j, priority, lifo)
  if j.state ~= 'delayed' and j.state ~= 'waiting' then return wrong_state(j) end
  alter(j, { priority = priority, rank = lifo and -next_number('seq') or j.rank })
  return 'ok'
end

local function say_outcome(outcome, state)
  say(outcome)
  if outcome == 'wrong-state' then say(state) end
end

-- Finds the job and hands it on; what may be done with it depends on its state.
local function moving(name, id, move, ...)
  local j = find_job(queue_at(name), id)
  if not j then return say('gone') end
  say_outcome(MOVE[move](j, ...))
end

EFFECT.cancel = function()
  local name, id = arg(), arg()
  moving(name, id, 'cancel', arg())
end
EFFECT.redrive = function()
  local name, id = arg(), arg()
  moving(name, id, 'redrive', arg())
end
EFFECT.discard = function()
  local name, id = arg(), arg()
  moving(name, id, 'discard')
end
EFFECT.promote = function()
  local name, id = arg(), arg()
  moving(name, id, 'promote')
end
EFFECT.reschedule = function()
  local name, id = arg(), arg()
  moving(name, id, 'reschedule', num())
end
EFFECT.prioritize = function()
  local name, id = arg(), arg()
  local priority, lifo = num(), arg() == '1'
  moving(name, id, 'prioritize', priority, lifo)
end

-- What a worker writes while the job runs, fenced by its token; also open to anybody who brings none.
local function writable()
  local name, id, token = arg(), arg(), num()
  local j = find_job(queue_at(name), id)
  if not j then return nil, 'gone' end
  local held = token and fence(j, token) or 'ok'
  return held == 'ok' and j or nil, held
end

EFFECT.progress = function()
  local j, outcome = writable()
  local value = arg()
  if j then
    set_extra(j, 'p', value)
    tell(j.q, 'progress', j.id, j.name, value)
  end
  say(outcome)
end

EFFECT.data = function()
  local j, outcome = writable()
  local body, ctype = arg(), arg()
  if j then set_body(j, body, ctype) end
  say(outcome)
end

EFFECT.log = function()
  local j, outcome = writable()
  local many = num()
  local key = j and j.q.p .. 'g' .. S(j.seq)
  local last = j and call('LINDEX', key, -1)
  local number = last and tonumber(string.match(last, '^%d+')) or 0
  for line = 1, many do
    local text = arg()
    if j then call('RPUSH', key, S(number + line) .. ' ' .. S(now) .. ' ' .. text) end
  end
  if j then call('LTRIM', key, -1000, -1) end
  say(outcome)
end

-- While it is alone, what becomes of its lease is its own doing. The time that it waited for that is given back.
EFFECT.isolate = function()
  local j, outcome = writable()
  local alone = arg() == '1'
  if j then
    put(j, { spared = not alone, deadline_at = alone and deadline_of(j) or (not alone and j.deadline_at) })
    time_lease(j)
  end
  say(outcome)
end
`;
