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

export const COMMIT: string = `
for _ = 1, num() do settle_one() end
for _ = 1, num() do claim_one() end
flush()
say(hints_out())
return out
`;
