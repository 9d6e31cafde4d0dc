import { LEASE_EXPIRED } from '../../../job/lease.ts';

/** As a text within Lua: the error has no character that would need more. */
const FAULT = JSON.stringify(LEASE_EXPIRED).replaceAll('\\', '\\\\').replaceAll("'", "\\'");

/**
 * Leases past due are marked by one pass and taken back by a later one. What is looked at: those that are marked, those
 * whose own time is over, and those of sessions that are over; nobody walks the others.
 */
export const RECLAIM: string = `
local FAULT = '${FAULT}'
local MANY = 10000

local function suspicion_of(j)
  if j.lease_expires_at then return 0 end
  local text = call('HGET', P .. 'se', j.worker)
  if not text then return 0 end
  local _, seen, till = string.match(text, '^(%S+) (%S+) (%S+)')
  local ttl = tonumber(till) - tonumber(seen)
  return math.ceil(math.min(3000, math.max(ttl / 10, math.min(ttl / 2, 1000))))
end

local function doubtful()
  local found, known = {}, {}
  local function learn(token, number, seq)
    if known[token] then return end
    known[token] = true
    found[#found + 1] = { token = tonumber(token), number = number, seq = tonumber(seq) }
  end
  for _, ref in ipairs(call('SMEMBERS', P .. 'sus')) do learn(string.match(ref, '^(%d+):(%d+):(%d+)$')) end
  for _, ref in ipairs(call('ZRANGEBYSCORE', P .. 'lx', '-inf', now, 'LIMIT', 0, MANY)) do
    learn(string.match(ref, '^(%d+):(%d+):(%d+)$'))
  end
  local sessions = call('HGETALL', P .. 'se')
  for index = 1, #sessions, 2 do
    local till = tonumber(string.match(sessions[index + 1], '^%S+ %S+ (%S+)'))
    if till <= now then
      for _, lease in ipairs(leases_of(sessions[index])) do learn(S(lease.token), lease.number, lease.seq) end
    end
  end
  table.sort(found, function(one, other) return one.token < other.token end)
  return found
end

-- wait: the suspicion is too young, its worker may show itself yet.
local function judge(j)
  if not is_over(j) then return 'clear' end
  if not j.suspect_at then return 'mark' end
  if j.lease_expires_at then return 'take' end
  -- The clock went back: how old the suspicion is cannot be told any more.
  if j.suspect_at > now then return 'mark' end
  return now - j.suspect_at < suspicion_of(j) and 'wait' or 'take'
end

-- settled_token stays as it was, so that the late worker is told that it was superseded.
local function take_back(j, list)
  local q, id, token, worker, spared = j.q, j.id, j.token, j.worker, j.spared
  local crashes = j.crashes + 1
  close_attempt(j, { outcome = 'crashed', error = FAULT })
  bump(q, 't:reclaimed', 1)
  tell(q, 'reclaimed', id, j.name)
  j.crashes = crashes
  if j.has_reason then cancel_now(j, 'cancelled', reason_of(j))
  elseif crashes > q.max_crashes and not spared then
    dead_letter(j, { cause = 'crashed', error = FAULT, failures = j.failures })
  else alter(j, { state = 'waiting', ready_at = now }) end
  list[#list + 1] = { q.name, id, S(token), worker, crashes, j.state }
end

-- Says how many were taken back and of each queue, id, token, worker, crashes and state; answers whether there is more,
-- and the longest suspicion.
local function reclaim(limit)
  local report = { touched = 0, more = false, suspicion = 0, list = {} }
  for _, lease in ipairs(doubtful()) do
    local j = job_no(queue_no(lease.number), lease.seq)
    local verdict = judge(j)
    if verdict == 'clear' then
      if j.suspect_at then
        clear_suspicion(j)
        save(j)
      end
    elseif verdict ~= 'wait' then
      if report.touched == limit then report.more = true
      else
        report.touched = report.touched + 1
        if verdict == 'mark' then
          put(j, { suspect_at = now })
          call('SADD', P .. 'sus', lease_ref(j))
          report.suspicion = math.max(report.suspicion, suspicion_of(j))
        else take_back(j, report.list) end
      end
    end
  end
  say(#report.list)
  for _, taken in ipairs(report.list) do
    for _, value in ipairs(taken) do say(value) end
  end
  return report.more, report.suspicion
end
`;
