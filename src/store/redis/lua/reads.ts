/** What is read of jobs and queues: scripts that write nothing. */

/** ARGV: queue, id. Says the queue that it is in now, and the job. */
export const READ_JOB: string = `
local name, id = arg(), arg()
local j = follow(name, id)
if j then
  say(j.q.name)
  say_job(j)
end
return out
`;

export const READ_ATTEMPTS: string = `
local name, id = arg(), arg()
local j = follow(name, id)
if j then
  say(j.q.name)
  say_job(j)
  say(call('LRANGE', j.q.p .. 't' .. S(j.seq), 0, -1))
end
return out
`;

/** ARGV: queue, id, after, limit. Numbers of lines have no gaps, so that the place of the first one is known. */
export const READ_LOGS: string = `
local name, id, after, limit = arg(), arg(), num(), num()
local j = follow(name, id)
if j then
  local key = j.q.p .. 'g' .. S(j.seq)
  local first = call('LINDEX', key, 0)
  local from = first and math.max(0, after + 1 - tonumber(string.match(first, '^%d+'))) or 0
  for _, line in ipairs(call('LRANGE', key, from, from + limit - 1)) do say(line) end
end
return out
`;

export const SAY_QUEUES: string = `
local function first_score(q, key) return call('ZRANGE', q.p .. key, 0, 0, 'WITHSCORES')[2] or '' end

local function oldest_ready(q)
  local beside = tonumber(first_score(q, 'y'))
  local head = call('LINDEX', q.p .. 'w', 0)
  local j = head and job_no(q, tonumber(head))
  if j and not (beside and beside < j.added_at) then return S(j.added_at) end
  return beside and S(beside) or ''
end

local function say_queue(q)
  say(q.name)
  say(call('HGETALL', q.k))
  say(oldest_ready(q))
  say(first_score(q, 'a'))
  say(first_score(q, 'd'))
end
`;

/** ARGV: names. Says the time, then each queue that is there. */
export const READ_QUEUES: string = `
say(S(now))
for place = 1, num() do
  local q = queue_at(arg())
  if q then say_queue(q) end
end
return out
`;

export const READ_ALL_QUEUES: string = `
say(S(now))
for _, name in ipairs(call('HVALS', P .. 'names')) do say_queue(queue_at(name)) end
return out
`;

/** ARGV: a worker. Says queue, id and token of each lease, by token. */
export const READ_LEASES: string = `
for _, lease in ipairs(leases_of(arg())) do
  local j = job_no(queue_no(lease.number), lease.seq)
  say(j.q.name)
  say(j.id)
  say(S(lease.token))
end
return out
`;

export const SAY_LISTS: string = `
local function say_operations()
  local ids = call('ZRANGE', P .. 'ops', 0, -1)
  say(#ids)
  for _, id in ipairs(ids) do
    for _, value in ipairs(call('HMGET', P .. 'op:' .. id, 'spec', 'state', 'done', 'skipped', 'scanned', 'at', 'end', 'after',
      'until')) do say(value) end
  end
end
local function say_sessions()
  say(S(now))
  say(call('HGETALL', P .. 'se'))
end
`;

export const READ_OPERATIONS: string = `
say(S(now))
say_operations()
return out
`;

export const READ_SESSIONS: string = `
say_sessions()
return out
`;

/**
 * The next jobs by number, of some queues or all. ARGV: 1 for the newest first, the number to go on from, how many to look
 * at, the states, the ids, the queues (each with their count; none means all). Says the time, whether that was all, the last
 * number looked at and how many were; then each job that is meant, with its place among them.
 */
export const FIND: string = `
local newest, from, many = arg() == '1', num(), num()
local function list_of_args()
  local list = {}
  for index = 1, num() do list[index] = arg() end
  return list
end
local states, ids, names = list_of_args(), list_of_args(), list_of_args()
if #names == 0 and arg() == 'all' then names = call('HVALS', P .. 'names') end
local wanted = {}
for _, state in ipairs(states) do wanted[state] = true end
local function is_ahead(seq)
  if not from then return true end
  if newest then return seq < from end
  return seq > from
end
local function before(one, other)
  if newest then return one > other end
  return one < other
end

-- Few jobs are in these states: they are taken from the orders that hold them. Some that are parked are in none.
local FEW = 1000
local function few(q)
  if #states == 0 or wanted.parked or wanted.blocked then return nil end
  local total = 0
  for state in pairs(wanted) do total = total + counted(q, state) end
  if total > FEW or call('ZCARD', q.p .. 'zk') > FEW then return nil end
  local keys = { delayed = 'd', active = 'a', completed = 'zc', failed = 'zf', cancelled = 'zx' }
  if wanted.delayed and call('ZCARD', q.p .. 'd') > FEW then return nil end
  local found = {}
  local function take(key)
    for _, member in ipairs(call('ZRANGE', q.p .. key, 0, -1)) do found[#found + 1] = unmark(member) end
  end
  for state in pairs(wanted) do if keys[state] then take(keys[state]) end end
  if wanted.completed or wanted.failed or wanted.cancelled then take('zk') end
  if wanted.waiting then
    if call('LLEN', q.p .. 'w') > FEW then return nil end
    take('y')
    for _, seq in ipairs(call('LRANGE', q.p .. 'w', 0, -1)) do found[#found + 1] = tonumber(seq) end
  end
  return found
end

local function by_ids(q)
  local found = {}
  for _, id in ipairs(ids) do
    local seq = call('HGET', q.p .. 'i', id)
    if seq then found[#found + 1] = tonumber(seq) end
  end
  return found
end

-- Bucket by bucket, until there are enough.
local function walk(q)
  local found, edge = {}, from and floor((newest and from - 1 or from + 1) / BUCKET)
  local offset = 0
  while #found <= many do
    local buckets
    if newest then buckets = call('ZREVRANGEBYSCORE', q.p .. 'b', edge or '+inf', '-inf', 'LIMIT', offset, 8)
    else buckets = call('ZRANGEBYSCORE', q.p .. 'b', edge or '-inf', '+inf', 'LIMIT', offset, 8) end
    for _, bucket in ipairs(buckets) do
      for _, field in ipairs(call('HKEYS', q.p .. 'f' .. bucket)) do
        local seq = bucket * BUCKET + field
        if is_ahead(seq) then found[#found + 1] = seq end
      end
    end
    if #buckets < 8 then break end
    offset = offset + 8
  end
  return found
end

local ahead, is_known = {}, {}
for _, name in ipairs(names) do
  local q = queue_at(name)
  if q then
    for _, seq in ipairs(#ids > 0 and by_ids(q) or few(q) or walk(q)) do
      if is_ahead(seq) and not is_known[seq] then
        is_known[seq] = q
        ahead[#ahead + 1] = seq
      end
    end
  end
end
table.sort(ahead, before)
say(S(now))
local place, bytes, last, met = 0, 0, '', {}
while place < #ahead and place < many and bytes < 8000000 do
  place = place + 1
  local seq = ahead[place]
  last = S(seq)
  local j = job_no(is_known[seq], seq)
  if j and (#states == 0 or wanted[j.state]) then
    met[#met + 1] = { place, j }
    bytes = bytes + #j.fixed
  end
end
say(place == #ahead and 1 or 0)
say(last)
say(place)
for _, each in ipairs(met) do
  say(each[1])
  say(each[2].q.name)
  say_job(each[2])
end
return out
`;
