import { MOVED, SEND_JOB } from './outbox.ts';

/** The moves of a job: out of every order and count, changed, and into those where it belongs now. */
export const JOB: string = `
local FINISHED = { completed = 'zc', failed = 'zf', cancelled = 'zx' }

local function own_keep(j, state)
  if state == 'completed' then return j.keep_completed_ms end
  return state == 'failed' and j.keep_failed_ms
end
local function in_turn(j) return spack('>I8I7', j.rank + RANK_0, j.seq) end

local function enter(j)
  local p, state, member = j.q.p, j.state, mark(j.seq)
  bump(j.q, state, 1)
  if state == 'waiting' then
    call('ZADD', p .. 'o', j.priority, in_turn(j))
    call('ZADD', p .. 'y', S(j.ready_at), member)
  elseif state == 'active' then
    call('ZADD', p .. 'a', S(j.claimed_at), member)
  elseif FINISHED[state] then
    local keep = own_keep(j, state)
    if keep then call('ZADD', p .. 'zk', j.finished_at + keep, member)
    else call('ZADD', p .. FINISHED[state], S(j.finished_at), member) end
  elseif j.due_at then
    call('ZADD', p .. 'd', S(j.due_at), member)
  end
  if j.expires_at and (state == 'waiting' or state == 'delayed') then call('ZADD', p .. 'e', j.expires_at, member) end
end

-- Entries of the list whose jobs are elsewhere by now. The head is always one that waits.
local function bury(q, by)
  q.dead = q.dead + by
  bump(q, 'dead', by)
end
local function clear_heads(q)
  local list = q.p .. 'w'
  while q.dead > 0 do
    local seq = tonumber(call('LINDEX', list, 0) or 0)
    local b, field = floor(seq / BUCKET), FIELD[seq % BUCKET + 1]
    if seq == 0 then return bury(q, -q.dead) end
    if call('HEXISTS', q.p .. 'f' .. b, field) == 1 and call('HEXISTS', q.p .. 'm' .. b, field) == 0 then return end
    call('LPOP', list)
    bury(q, -1)
  end
end
local function leave_list(j)
  local list = j.q.p .. 'w'
  if call('LINDEX', list, 0) == S(j.seq) then
    call('LPOP', list)
    return clear_heads(j.q)
  end
  bury(j.q, 1)
  if call('LLEN', list) == j.q.dead then
    call('DEL', list)
    bury(j.q, -j.q.dead)
  end
end

local function leave(j)
  local p, state, member = j.q.p, j.state, mark(j.seq)
  bump(j.q, state, -1)
  if state == 'waiting' then
    if j.fresh and j.listed then leave_list(j)
    else
      call('ZREM', p .. 'o', in_turn(j))
      call('ZREM', p .. 'y', member)
    end
  elseif state == 'active' then call('ZREM', p .. 'a', member)
  elseif FINISHED[state] then call('ZREM', p .. (own_keep(j, state) and 'zk' or FINISHED[state]), member)
  elseif j.due_at then call('ZREM', p .. 'd', member) end
  if j.expires_at and (state == 'waiting' or state == 'delayed') then call('ZREM', p .. 'e', member) end
end

-- An attempt as text: numbers, then texts by their length, then the error.
local OUTCOMES = { completed = 1, retried = 2, failed = 3, released = 4, crashed = 5, cancelled = 6, parked = 7 }
local function keep_attempt(j, ended_at, outcome, fault, retry_after, trace)
  local worker = j.worker or ''
  local text = j.claims .. ' ' .. j.generation .. ' ' .. S(j.token) .. ' ' .. S(j.claimed_at or ended_at) .. ' '
    .. S(ended_at) .. ' ' .. OUTCOMES[outcome] .. ' ' .. (retry_after and S(retry_after) or '-') .. ' ' .. #worker .. ' '
    .. (trace and #trace or '-') .. ' ' .. worker .. (trace or '') .. (fault or '')
  local list = j.q.p .. 't' .. S(j.seq)
  if call('RPUSH', list, text) > 1000 then call('LTRIM', list, -1000, -1) end
end
-- The only attempt of a job that completed at once is not written: all of it stands in the moving part.
local function keep_derived(j)
  if j.state ~= 'completed' or not is_short(j) then return end
  keep_attempt(j, j.finished_at, 'completed', nil, nil, j.trace)
  j.trace = nil
end

local function save(j)
  j.fresh = false
  call('HSET', moving_key(j), FIELD[j.seq % BUCKET + 1], moving_of(j))
end
local function put(j, changes)
  for key, value in pairs(changes) do j[key] = value end
  save(j)
end
local function tell_moved(j)
  if j.state == 'waiting' or j.due_at then hint(j.q.name, 'ready') end
  if FINISHED[j.state] then hint(j.q.name, 'ended') end
end
local function alter(j, changes)
  keep_derived(j)
  leave(j)
  for key, value in pairs(changes) do j[key] = value end
  enter(j)
  save(j)
  if changes.state then tell_moved(j) end
end

local function reason_of(j) return j.has_reason and extra(j, 'c') end
local function set_reason(j, text)
  if not text and not j.has_reason then return end
  j.has_reason = text and true or false
  set_extra(j, 'c', text)
end

${MOVED}
-- Where jobs were before they moved: "queue:seq:move" of each, by the queue and the id.
local function moved_field(j)
  local cause, at, queue = string.match(extra(j, 'o'), '^(%S+) (%S+) (%S+)$')
  return queue .. '/' .. j.id
end
local function moved_in(j)
  local field = moved_field(j)
  call('HSET', P .. 'mv', field, (call('HGET', P .. 'mv', field) or '') .. j.q.n .. ':' .. S(j.seq) .. ':' .. j.move_number .. ' ')
end
local function moved_out(j)
  if not j.has_origin then return end
  if SPREAD then return left_origin(extra(j, 'o'), j.id, j.move_number) end
  local field, rest = moved_field(j), ''
  for ref in string.gmatch(call('HGET', P .. 'mv', field) or '', '%S+') do
    if string.match(ref, ':(%d+):') ~= S(j.seq) then rest = rest .. ref .. ' ' end
  end
  if rest == '' then call('HDEL', P .. 'mv', field) else call('HSET', P .. 'mv', field, rest) end
end
local function follow(name, id)
  local found = find_job(queue_at(name), id)
  if found or SPREAD then return found end
  local refs, latest, q, seq = call('HGET', P .. 'mv', name .. '/' .. id), 0
  for number, at, move in string.gmatch(refs or '', '(%d+):(%d+):(%d+)') do
    if tonumber(move) > latest then latest, q, seq = tonumber(move), number, tonumber(at) end
  end
  return q and job_no(queue_no(q), seq) or nil
end

local function lease_ref(j) return S(j.token) .. ':' .. j.q.n .. ':' .. S(j.seq) end
local function end_lease(j)
  local ref = lease_ref(j)
  call('HDEL', P .. 'l:' .. j.worker, S(j.token))
  if j.lease_expires_at or j.deadline_at then call('ZREM', P .. 'lx', ref) end
  if j.suspect_at then call('SREM', P .. 'sus', ref) end
  j.lease_expires_at, j.deadline_at, j.suspect_at, j.spared = false, false, false, false
end

-- Takes its fields out of the hashes of its age.
local function drop(j)
  local b, n, p = floor(j.seq / BUCKET), FIELD[j.seq % BUCKET + 1], j.q.p
  call('HDEL', p .. 'f' .. b, n)
  call('HDEL', p .. 'm' .. b, n)
  call('HDEL', p .. 'x' .. b, n .. 'r', n .. 'p', n .. 'e', n .. 'c', n .. 'o')
  call('HDEL', p .. 'i', j.id)
  if call('EXISTS', p .. 'f' .. b) == 0 then call('ZREM', p .. 'b', b) end
end
local function remove(j)
  if j.state == 'active' then end_lease(j) end
  moved_out(j)
  drop(j)
  leave(j)
  call('DEL', j.q.p .. 't' .. S(j.seq), j.q.p .. 'g' .. S(j.seq))
  bump(j.q, 't:removed', 1)
  jobs[j.seq] = nil
  j.gone = true
end
local function discard_now(j)
  remove(j)
  tell(j.q, 'removed', j.id, j.name)
end

local function finish(j, state, changes, data)
  changes.state, changes.due_at, changes.finished_at = state, false, now
  alter(j, changes)
  bump(j.q, 't:' .. state, 1)
  tell(j.q, state, j.id, j.name, data)
  local keep = own_keep(j, state)
  local none = j.q.age[state] == 0 or j.q.cap[state] == 0
  if keep then none = keep == 0 end
  if none then remove(j) end
end
local function cancel_now(j, cause, reason)
  set_reason(j, reason)
  finish(j, 'cancelled', { cause = cause })
end
local function expire(j) finish(j, 'cancelled', { cause = 'expired' }) end
local function promote_now(j, ready_at)
  alter(j, { state = 'waiting', ready_at = ready_at, due_at = false })
  tell(j.q, 'waiting', j.id, j.name)
end

-- What every new generation begins with.
local function fresh_start(j)
  if j.has_reason then set_extra(j, 'c', false) end
  return { has_reason = false, state = 'waiting', ready_at = now, due_at = false, expires_at = false, first_claimed_at = false,
    finished_at = false, generation = j.generation + 1, failures = 0, crashes = 0, cause = false }
end
local function move_to(j, name, cause)
  local from, q, seq = j.q, queue_of(name), j.seq
  keep_derived(j)
  local changes = fresh_start(j)
  leave(j)
  moved_out(j)
  local rare = rare_of(j)
  drop(j)
  local fixed = sub(j.fixed, 1, 6) .. char(0) .. sub(j.fixed, 8)
  j.q, j.fixed, j.listed, j.has_origin, j.move_number = q, fixed, false, true, next_number('move')
  for key, value in pairs(changes) do j[key] = value end
  call('HSET', fixed_key(j), seq % BUCKET, fixed)
  call('ZADD', q.p .. 'b', floor(seq / BUCKET), floor(seq / BUCKET))
  call('HSET', q.p .. 'i', j.id, seq)
  for index, field in ipairs({ 'r', 'p', 'e' }) do if rare[index] then set_extra(j, field, rare[index]) end end
  set_extra(j, 'o', cause .. ' ' .. S(now) .. ' ' .. from.name)
  for _, kind in ipairs({ 't', 'g' }) do
    local key = from.p .. kind .. S(seq)
    if call('EXISTS', key) == 1 then call('RENAME', key, q.p .. kind .. S(seq)) end
  end
  moved_in(j)
  enter(j)
  save(j)
  tell_moved(j)
  bump(from, 't:removed', 1)
  bump(q, 't:added', 1)
  hint(from.name, 'ended')
end

${SEND_JOB}
-- No attempts are left. The attempt is closed before.
local function dead_letter(j, death)
  local source, target = j.q, j.dlq or j.q.dlq
  if SPREAD and target and target ~= source.name then
    bump(source, 't:failed', 1)
    tell(source, 'failed', j.id, j.name, death.error)
    set_extra(j, 'e', death.error)
    local ending = { state = 'failed', cause = death.cause, failures = death.failures, due_at = false, finished_at = now }
    return send_job(j, target, death.cause, ending)
  end
  if not target or target == source.name or find_job(queue_at(target), j.id) then
    set_extra(j, 'e', death.error)
    return finish(j, 'failed', { cause = death.cause, failures = death.failures }, death.error)
  end
  bump(source, 't:failed', 1)
  tell(source, 'failed', j.id, j.name, death.error)
  set_extra(j, 'e', death.error)
  move_to(j, target, death.cause)
  tell(j.q, 'added', j.id, j.name)
end

local function set_body(j, body, ctype)
  local f, policy, headers = j.fixed, '{}', '{}'
  if j.flags > 3 then
    local type_size, policy_size, headers_size, pos = sunpack('>I2I3I3', f, j.meta_at)
    pos = pos + type_size
    policy, headers = sub(f, pos, pos + policy_size - 1), sub(f, pos + policy_size, pos + policy_size + headers_size - 1)
  end
  local flags = j.flags > 3 and j.flags or j.flags + 4
  j.fixed = sub(f, 1, 7) .. char(flags) .. sub(f, 9, j.meta_at - 1) .. spack('>I2I3I3', #ctype, #policy, #headers)
    .. ctype .. policy .. headers .. body
  j.flags = flags
  call('HSET', fixed_key(j), j.seq % BUCKET, j.fixed)
end
`;
