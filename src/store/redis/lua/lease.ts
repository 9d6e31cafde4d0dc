/** Who holds a job, until when, and what a write of its worker is allowed. */
export const LEASE: string = `
local GRACE_MS = 5000
local ends = {}
local function session_end(id)
  if ends[id] == nil then
    local text = call('HGET', P .. 'se', id)
    ends[id] = text and tonumber(string.match(text, '^%S+ %S+ (%S+)')) or false
  end
  return ends[id] or nil
end
local function deadline_of(j) return j.timeout_ms and now + j.timeout_ms + GRACE_MS end
local function lease_end(lease_ms, deadline)
  if deadline and deadline < now + lease_ms then return deadline end
  return now + lease_ms
end
local function is_over(j)
  if j.deadline_at and j.deadline_at <= now then return true end
  local over = j.lease_expires_at or session_end(j.worker)
  return not over or over <= now
end
local function fence(j, token)
  if j.state ~= 'active' or j.token ~= token then return 'superseded' end
  return is_over(j) and 'expired' or 'ok'
end

-- Leases with an end of their own stand in the order of it.
local function time_lease(j)
  local own, deadline = j.lease_expires_at, j.deadline_at
  local ref = lease_ref(j)
  if own or deadline then
    call('ZADD', P .. 'lx', (own and deadline) and math.min(own, deadline) or own or deadline, ref)
  end
end
local function clear_suspicion(j)
  if j.suspect_at then call('SREM', P .. 'sus', lease_ref(j)) end
  j.suspect_at = false
end

-- Writes the record of the attempt and ends its lease. The state of the job is the next step of the caller.
local function close_attempt(j, ending)
  end_lease(j)
  local state = j.state
  if ending.outcome == 'completed' then
    j.state, j.trace = 'completed', ending.trace
    local derived = j.settled_token == j.token and is_short(j)
    j.state = state
    if derived then return end
    j.trace = nil
  end
  keep_attempt(j, now, ending.outcome, ending.error, ending.retry_after, ending.trace)
end
`;
