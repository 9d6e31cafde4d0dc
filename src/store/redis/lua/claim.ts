/** Jobs go out with a lease each. Those in turn and the others are merged by priority and rank. */
export const CLAIM: string = `
local SLICE = 1000
local KNOWN_MS = 600000

local function promote_due(q)
  local key = q.p .. 'd'
  local head = call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if not head[2] or tonumber(head[2]) > now then return head[2] and tonumber(head[2]) end
  local due = call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, SLICE)
  for _, member in ipairs(due) do
    local j = job_no(q, unmark(member))
    promote_now(j, j.due_at)
  end
  head = call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return head[2] and tonumber(head[2])
end
local function due_next(q)
  local head = call('ZRANGE', q.p .. 'd', 0, 0, 'WITHSCORES')
  return head[2] and tonumber(head[2])
end

-- The latest claims of a worker: its tokens are those from first to last.
local function answered_claim(id, worker)
  local text = call('GET', P .. 'cl:' .. worker)
  if not text then return nil end
  -- The newest answer counts: an older one by the same id may be known no longer.
  local till, found, ends = nil, string.find(text, '\\n' .. id .. '\\t', 1, true)
  while found do
    till = ends
    found, ends = string.find(text, '\\n' .. id .. '\\t', ends + 1, true)
  end
  if not till then return nil end
  local at, first, last = string.match(text, '^(%d+) (%d+) (%d+)', till + 1)
  if now - tonumber(at) >= KNOWN_MS or tonumber(at) <= forgotten_till() then return nil end
  local held = {}
  for token = tonumber(first), tonumber(last) do
    local ref = call('HGET', P .. 'l:' .. worker, S(token))
    if ref then
      local number, seq = string.match(ref, '^(%d+):(%d+)$')
      local j = job_no(queue_no(number), tonumber(seq))
      if j and j.state == 'active' and j.token == token then held[#held + 1] = j end
    end
  end
  return held
end
local function remember_claim(id, worker, first, last)
  local key = P .. 'cl:' .. worker
  local text = call('GET', key) or ''
  if #text > 6000 then text = sub(text, string.find(text, '\\n', #text - 3000, true) or 1) end
  call('SET', key, text .. '\\n' .. id .. '\\t' .. S(now) .. ' ' .. S(first) .. ' ' .. S(last), 'PX', KNOWN_MS)
end

-- What the hashes hold of these jobs, read together.
local function read_many(q, kind, seqs)
  local found, from = {}, 1
  while from <= #seqs do
    local b, fields = floor(seqs[from] / BUCKET), {}
    while seqs[from] and floor(seqs[from] / BUCKET) == b do
      fields[#fields + 1] = FIELD[seqs[from] % BUCKET + 1]
      from = from + 1
    end
    for index, value in ipairs(call('HMGET', q.p .. kind .. b, unpack(fields))) do
      found[b * BUCKET + tonumber(fields[index])] = value
    end
  end
  return found
end

-- The next of those in turn: alive are those to which nothing has happened.
local function list_of(q, many)
  local list, read, at, fixed, moving = q.p .. 'w', {}, 0, nil, nil
  local self = {}
  function self.head()
    while true do
      if at >= #read then
        if at > 0 then call('LTRIM', list, at, -1) end
        local texts = call('LRANGE', list, 0, many - 1)
        read, at = {}, 0
        for index, text in ipairs(texts) do read[index] = tonumber(text) end
        if #read == 0 then return nil end
        fixed, moving = read_many(q, 'f', read), read_many(q, 'm', read)
      end
      local seq = read[at + 1]
      if fixed[seq] and not moving[seq] and not (jobs[seq] and not jobs[seq].fresh) then
        return jobs[seq] or job_of(q, seq, fixed[seq])
      end
      at = at + 1
      bury(q, -1)
    end
  end
  function self.take() at = at + 1 end
  function self.done()
    if at > 0 then call('LTRIM', list, at, -1) end
    if q.dead > 0 then clear_heads(q) end
  end
  return self
end
local function other_head(q)
  local member = call('ZRANGE', q.p .. 'o', 0, 0)[1]
  if not member then return nil end
  local _, seq = sunpack('>I8I7', member)
  return job_no(q, seq)
end
local function goes_before(j, listed)
  if not listed then return true end
  return j.priority == 0 and j.rank < listed.rank
end

local function take(j, request)
  local q, first = j.q, not j.first_claimed_at
  j.state, j.fresh, j.token, j.worker, j.claims = 'active', false, next_token(), request.worker, j.claims + 1
  j.claimed_at, j.expires_at = now, false
  j.first_claimed_at = j.first_claimed_at or now
  j.spared, j.suspect_at = request.spared, false
  tell(q, 'active', j.id, j.name)
  if first then took(q, j.name, 'w', math.max(0, now - (j.ready_at or 0))) end
  if q.once then
    enter(j)
    j.settled_token = j.token
    close_attempt(j, { outcome = 'completed' })
    count(q, j.name, 'c')
    if j.claims > 1 then set_extra(j, 'e', false) end
    set_extra(j, 'r', false)
    -- Where nothing of it is kept it is gone now; whoever runs it is told of all that it had.
    j.rare = rare_of(j)
    finish(j, 'completed', {})
    return
  end
  j.deadline_at = deadline_of(j)
  j.lease_expires_at = request.lease_ms and lease_end(request.lease_ms, j.deadline_at)
end

-- Leases and moving parts of the jobs that were taken, written together.
local function hold_all(q, taken, worker)
  local active, leases, fields, at = {}, {}, {}, S(now)
  for index, j in ipairs(taken) do
    active[2 * index - 1], active[2 * index] = at, mark(j.seq)
    leases[2 * index - 1], leases[2 * index] = S(j.token), q.n .. ':' .. S(j.seq)
    time_lease(j)
    local key = moving_key(j)
    fields[key] = fields[key] or {}
    local own = fields[key]
    j.moving = moving_of(j)
    own[#own + 1] = FIELD[j.seq % BUCKET + 1]
    own[#own + 1] = j.moving
  end
  call('ZADD', q.p .. 'a', unpack(active))
  call('HSET', P .. 'l:' .. worker, unpack(leases))
  for key, own in pairs(fields) do call('HSET', key, unpack(own)) end
  bump(q, 'active', #taken)
end

-- The rest of the claim, where nobody but those in turn waits and nothing is unusual about any of them.
local function take_plain(q, request, taken)
  if q.rec or q.once or q.dead > 0 or request.lease_ms then return false end
  local waited_by = {}
  local listed = call('LRANGE', q.p .. 'w', 0, request.limit - #taken - 1)
  local by, fresh = look_plain(q.p, listed, waited_by)
  if not by or #listed == 0 then return false end
  local first = next_token()
  set_number('token', first + #listed - 1)
  local moving = hold_plain(q.p, q.n, listed, by, { first = first, worker = request.worker, spared = request.spared })
  for index, seq in ipairs(listed) do
    taken[#taken + 1] = { seq = tonumber(seq), token = first + index - 1, fixed = fresh[index], moving = moving[index], is_bare = true }
  end
  bump(q, 'waiting', -#listed)
  bump(q, 'active', #listed)
  for kind, hits in pairs(waited_by) do
    for bucket, times in pairs(hits) do
      local field = format('w%02d', bucket - 1) .. kind
      q.st[field] = (q.st[field] or 0) + times
    end
  end
  return true
end

-- The first of those out of turn; false once so many were over that the rest has to wait.
local function take_other(q, other, request, taken)
  if not other.expires_at or other.expires_at > now then
    leave(other)
    take(other, request)
    taken[#taken + 1] = other
    return true
  end
  request.over = (request.over or 0) + 1
  if request.over <= SLICE then expire(other) end
  return request.over <= SLICE
end

-- Both kinds, one by one.
local function take_merged(q, other, request, taken)
  local list = list_of(q, request.limit - #taken)
  while #taken < request.limit do
    local listed = list.head()
    if not other and not listed then break end
    if other and goes_before(other, listed) then
      if not take_other(q, other, request, taken) then break end
      other = other_head(q)
    else
      list.take()
      bump(q, 'waiting', -1)
      take(listed, request)
      taken[#taken + 1] = listed
    end
  end
  list.done()
end

-- Mostly those that wait again were added before all that wait in turn, and go first.
local function take_jobs(q, request)
  local taken, other, is_over = {}, other_head(q), false
  local head = { rank = tonumber(call('LINDEX', q.p .. 'w', 0) or nil) }
  while other and not is_over and #taken < request.limit and goes_before(other, head.rank and head) do
    is_over = not take_other(q, other, request, taken)
    other = not is_over and other_head(q)
  end
  local held = #taken
  if held > 0 and not q.once then hold_all(q, taken, request.worker) end
  if is_over or held == request.limit or (not other and take_plain(q, request, taken)) then return taken end
  local more = { limit = request.limit - held, worker = request.worker, lease_ms = request.lease_ms,
    spared = request.spared, over = request.over }
  local others = {}
  take_merged(q, other, more, others)
  if #others > 0 and not q.once then hold_all(q, others, request.worker) end
  for _, j in ipairs(others) do taken[#taken + 1] = j end
  return taken
end

-- A letter whether it is settled and has what few jobs have, then its parts.
local rare_there = {}
local function say_claimed(j, settled)
  if j.is_bare then
    say(0)
    say(j.seq)
    say(j.fixed)
    return say(j.moving)
  end
  local key = rare_key(j)
  if j.rare then rare_there[key] = true
  elseif rare_there[key] == nil then rare_there[key] = call('EXISTS', key) == 1 end
  say((settled and 1 or 0) + (rare_there[key] and 2 or 0))
  say(j.seq)
  say(j.fixed)
  say(j.moving or moving_of(j))
  if not rare_there[key] then return end
  local rare = j.rare or rare_of(j)
  for index = 1, 5 do say(rare[index]) end
end

local function claim_one()
  local id, q = arg(), queue_at(arg())
  local request = { limit = num(), worker = arg(), lease_ms = num(), spared = arg() == '1' }
  local flag, at = arg(), said
  local held, paused, over, due, first = answered_claim(id, request.worker), q and q.paused, false, nil, nil
  local taken = held or {}
  for _ = 1, 4 do say('') end
  say(S(now))
  if held then due = q and not paused and due_next(q)
  elseif q and not paused then
    over = not request.lease_ms and (session_end(request.worker) or now) <= now
    if over then due = due_next(q)
    else
      due = promote_due(q)
      local before = number_of('token')
      taken = take_jobs(q, request)
      if #taken > 0 then remember_claim(id, request.worker, taken[1].token, number_of('token')) end
      if q.once or #taken == 0 then due = due_next(q) end
    end
  end
  if q and not held then idle(q, flag, #taken > 0) end
  out[at + 1], out[at + 2], out[at + 4] = paused and 1 or 0, over and 1 or 0, #taken
  if due then out[at + 3] = S(math.max(0, due - now)) end
  for _, j in ipairs(taken) do say_claimed(j, q.once and not held) end
end
`;

export const CLAIMS: string = `
for _ = 1, num() do claim_one() end
flush()
say(hints_out())
return out
`;
