/**
 * A job in two parts, each packed into one field of a hash that it shares with the jobs of about its age: the fixed part
 * is written when it is added, the moving part once it differs from what a fresh job has. See `pack-record.ts`, which
 * reads the same bytes.
 */
export const RECORD: string = `
local BUCKET = 128
local STATES = { 'waiting', 'delayed', 'blocked', 'active', 'parked', 'completed', 'failed', 'cancelled' }
local CAUSES = { 'attempts-spent', 'unrecoverable', 'invalid-payload', 'retry-time-over', 'crashed', 'discarded',
  'cancelled', 'expired' }
local STATE_NO, CAUSE_NO = {}, {}
for index, state in ipairs(STATES) do STATE_NO[state] = index end
for index, cause in ipairs(CAUSES) do CAUSE_NO[cause] = index end
local SHORT, LONG, SPECIAL = '>BBI7I6I6', '>BBI7I7I4I4I4I4I6I6I6I6I6I6I6I6I6I3I8I6B', '>I3I6I6I6I6I6B'
local RANK_0 = 4503599627370496

local function opt(value) return value > 0 and value - 1 end
local function raw(value) return value and value + 1 or 0 end

local function read_fixed(j, fixed)
  local at, listed, flags, id_size, name_size = sunpack('>I6BBBB', fixed)
  local pos, dlq_size = 11, 0
  j.fixed, j.added_at, j.listed, j.flags, j.lifo = fixed, at, listed == 1, flags, flags % 2 == 1
  j.priority, j.delay_ms = 0, 0
  if flags % 4 > 1 then
    local priority, delay, ttl, timeout, keep, keep_failed, size = sunpack(SPECIAL, fixed, pos)
    j.priority, j.delay_ms, j.ttl_ms, j.timeout_ms = priority, delay, opt(ttl), opt(timeout)
    j.keep_completed_ms, j.keep_failed_ms, dlq_size = opt(keep), opt(keep_failed), size
    pos = 45
  end
  j.id = sub(fixed, pos, pos + id_size)
  pos = pos + id_size + 1
  j.name = sub(fixed, pos, pos + name_size)
  pos = pos + name_size + 1
  j.dlq = dlq_size > 0 and sub(fixed, pos, pos + dlq_size - 1)
  j.meta_at = pos + dlq_size
  j.fixed_priority, j.fixed_rank = j.priority, j.lifo and -j.seq or j.seq
end

-- A job that nothing has happened to.
local function read_fresh(j)
  local due = j.delay_ms > 0 and j.added_at + j.delay_ms
  j.fresh = true
  j.state, j.due_at, j.ready_at = due and 'delayed' or 'waiting', due, not due and j.added_at
  j.expires_at = j.ttl_ms and (due or j.added_at) + j.ttl_ms
  j.rank, j.token, j.settled_token, j.claims, j.failures, j.crashes = j.fixed_rank, 0, 0, 0, 0, 0
  j.generation, j.move_number = 1, 0
end

local function read_short(j, moving)
  local head, flags, token, claimed, finished, pos = sunpack(SHORT, moving)
  j.state, j.spared, j.token, j.claimed_at, j.finished_at = STATES[head - 16], flags % 2 == 1, token, claimed, opt(finished)
  j.first_claimed_at, j.ready_at, j.rank = claimed, j.added_at, j.fixed_rank
  j.settled_token = j.state == 'completed' and token or 0
  j.claims, j.failures, j.crashes, j.generation, j.move_number = 1, 0, 0, 1, 0
  if flags % 4 > 1 then
    local size = byte(moving, pos)
    j.worker, j.trace = sub(moving, pos + 1, pos + size + 1), sub(moving, pos + size + 2)
  else
    j.worker = sub(moving, pos)
  end
end

local function read_long(j, moving)
  local head, flags, token, settled, claims, failures, crashes, generation, claimed, first, ready, due, expires,
    finished, lease_expires, deadline, suspect, priority, rank, move_number, cause, pos = sunpack(LONG, moving)
  j.state, j.token, j.settled_token, j.claims, j.failures = STATES[head], token, settled, claims, failures
  j.crashes, j.generation, j.claimed_at, j.first_claimed_at = crashes, generation, opt(claimed), opt(first)
  j.ready_at, j.due_at, j.expires_at, j.finished_at = opt(ready), opt(due), opt(expires), opt(finished)
  j.lease_expires_at, j.deadline_at, j.suspect_at = opt(lease_expires), opt(deadline), opt(suspect)
  j.priority, j.rank, j.move_number, j.cause = priority, rank - RANK_0, move_number, CAUSES[cause]
  j.spared, j.has_reason, j.has_origin = flags % 2 == 1, flags % 4 > 1, flags > 3
  j.worker = #moving >= pos and sub(moving, pos)
end

local function read_moving(j, moving)
  if not moving then read_fresh(j)
  elseif byte(moving) > 16 then read_short(j, moving)
  else read_long(j, moving) end
end

-- True of the first run of a job about which nothing is unusual, and of one that ended with it.
local function is_short(j)
  return (j.state == 'active' or j.state == 'completed') and j.claims == 1 and j.generation == 1 and j.failures == 0
    and j.crashes == 0 and j.ready_at == j.added_at and not j.lease_expires_at and not j.deadline_at and not j.suspect_at
    and not j.expires_at and not j.due_at and not j.cause and not j.has_reason and not j.has_origin
    and j.first_claimed_at == j.claimed_at and j.priority == j.fixed_priority and j.rank == j.fixed_rank
    and j.settled_token == (j.state == 'completed' and j.token or 0)
end

local function moving_of(j)
  if is_short(j) then
    local flags = (j.spared and 1 or 0) + (j.trace and 2 or 0)
    local head = spack(SHORT, 16 + STATE_NO[j.state], flags, j.token, j.claimed_at, raw(j.finished_at))
    if j.trace then return head .. char(#j.worker - 1) .. j.worker .. j.trace end
    return head .. j.worker
  end
  local flags = (j.spared and 1 or 0) + (j.has_reason and 2 or 0) + (j.has_origin and 4 or 0)
  return spack(LONG, STATE_NO[j.state], flags, j.token, j.settled_token, j.claims, j.failures, j.crashes, j.generation,
    raw(j.claimed_at), raw(j.first_claimed_at), raw(j.ready_at), raw(j.due_at), raw(j.expires_at), raw(j.finished_at),
    raw(j.lease_expires_at), raw(j.deadline_at), raw(j.suspect_at), j.priority, j.rank + RANK_0, j.move_number,
    CAUSE_NO[j.cause] or 0) .. (j.worker or '')
end

local function moving_key(j) return j.q.p .. 'm' .. floor(j.seq / BUCKET) end
local function fixed_key(j) return j.q.p .. 'f' .. floor(j.seq / BUCKET) end
local function rare_key(j) return j.q.p .. 'x' .. floor(j.seq / BUCKET) end

-- Jobs that this script has read, so that there is one of each.
local jobs = {}
local function job_of(q, seq, fixed, moving)
  -- All that it may get, so that it is made once and does not grow.
  local j = { q = q, seq = seq, fixed = fixed, added_at = 0, listed = false, flags = 0, lifo = false, priority = 0, delay_ms = 0,
    ttl_ms = false, timeout_ms = false, keep_completed_ms = false, keep_failed_ms = false, id = '', name = '', dlq = false,
    meta_at = 0, fixed_priority = 0, fixed_rank = 0, fresh = false, state = '', due_at = false, ready_at = false,
    expires_at = false, rank = 0, token = 0, settled_token = 0, claims = 0, failures = 0, crashes = 0, generation = 1,
    move_number = 0, claimed_at = false, first_claimed_at = false, finished_at = false, lease_expires_at = false,
    deadline_at = false, suspect_at = false, cause = false, spared = false, has_reason = false, has_origin = false,
    worker = false, trace = false, moving = false, rare = false }
  read_fixed(j, fixed)
  read_moving(j, moving)
  jobs[seq] = j
  return j
end
local function job_no(q, seq)
  if jobs[seq] then return jobs[seq] end
  local b, field = floor(seq / BUCKET), FIELD[seq % BUCKET + 1]
  local fixed = call('HGET', q.p .. 'f' .. b, field)
  return fixed and job_of(q, seq, fixed, call('HGET', q.p .. 'm' .. b, field)) or nil
end
local function find_job(q, id)
  local seq = q and call('HGET', q.p .. 'i', id)
  return seq and job_no(q, tonumber(seq)) or nil
end

-- What few jobs have: r result, p progress, e error, c reason of a cancel, o origin.
local function extra(j, field) return call('HGET', rare_key(j), FIELD[j.seq % BUCKET + 1] .. field) end
local function set_extra(j, field, value)
  local place = FIELD[j.seq % BUCKET + 1] .. field
  if value then call('HSET', rare_key(j), place, value)
  else call('HDEL', rare_key(j), place) end
end
local function rare_of(j)
  local n = FIELD[j.seq % BUCKET + 1]
  return call('HMGET', rare_key(j), n .. 'r', n .. 'p', n .. 'e', n .. 'c', n .. 'o')
end
local function say_job(j)
  say(j.seq)
  say(j.fixed)
  say(j.fresh and '' or moving_of(j))
  local rare = rare_of(j)
  for index = 1, 5 do say(rare[index]) end
end
`;
