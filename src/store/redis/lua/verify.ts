/** Recounts what is kept as a number and looks for what lost its other half. Reads everything: for people and tests. */

/**
 * ARGV: queue, bucket to go on from, how many buckets. Says the bucket to go on from ('' at the end), what is counted in
 * these as names and numbers in turn, what is kept of it likewise, and what is wrong: check, what, example.
 */
export const VERIFY_QUEUE: string = `
local q, from, many = queue_at(arg()), arg(), num()
local found, wrong, told = {}, {}, {}
local function add(name) found[name] = (found[name] or 0) + 1 end
local function odd(check, what, example)
  local key = check .. what
  if not told[key] then
    told[key] = true
    for _, value in ipairs({ check, what, example }) do wrong[#wrong + 1] = value end
  end
end
local function expect(j, key, score, check)
  add(key)
  local member = key == 'o' and in_turn(j) or mark(j.seq)
  if tonumber(call('ZSCORE', q.p .. key, member) or '-1') ~= score then
    odd(check, 'jobs are not in the order in which they belong', j.id)
  end
end

local function check_waiting(j)
  if j.fresh and j.listed then return add('w') end
  expect(j, 'o', j.priority, 'ready')
  expect(j, 'y', j.ready_at, 'ready')
end
local function check_active(j)
  expect(j, 'a', j.claimed_at, 'active')
  if call('HGET', P .. 'l:' .. j.worker, S(j.token)) ~= q.n .. ':' .. S(j.seq) then
    odd('leases', 'active jobs have no lease', j.id)
  end
end
local function check_job(j)
  add(j.state)
  add('i')
  if tonumber(call('HGET', q.p .. 'i', j.id) or '0') ~= j.seq then odd('ids', 'jobs are not found by their id', j.id) end
  if j.state == 'waiting' then check_waiting(j)
  elseif j.state == 'active' then check_active(j)
  elseif FINISHED[j.state] then
    local keep = own_keep(j, j.state)
    if keep then expect(j, 'zk', j.finished_at + keep, 'retention')
    else expect(j, FINISHED[j.state], j.finished_at, 'retention') end
  elseif j.due_at then expect(j, 'd', j.due_at, 'delayed') end
  if j.expires_at and (j.state == 'waiting' or j.state == 'delayed') then expect(j, 'e', j.expires_at, 'expiring') end
  if j.has_origin and not SPREAD then
    local refs = call('HGET', P .. 'mv', moved_field(j)) or ''
    if not string.find(' ' .. refs, ' ' .. q.n .. ':' .. S(j.seq) .. ':', 1, true) then
      odd('moved', 'jobs are not found where they were before', j.id)
    end
  end
end
local function check_bucket(bucket)
  add('b')
  local here = {}
  for _, field in ipairs(call('HKEYS', q.p .. 'f' .. bucket)) do here[field] = true end
  for kind, what in pairs({ m = 'what became', x = 'what was noted' }) do
    for _, field in ipairs(call('HKEYS', q.p .. kind .. bucket)) do
      local field_of = string.match(field, '^%d+')
      if not here[field_of] then odd('orphans', what .. ' of jobs that are gone is still there', bucket .. ':' .. field) end
    end
  end
  for field in pairs(here) do check_job(job_no(q, bucket * BUCKET + tonumber(field))) end
  if next(here) == nil then odd('orphans', 'a bucket of jobs is noted and empty', bucket) end
end

local function say_numbers(numbers)
  local flat = {}
  for name, number in pairs(numbers) do
    flat[#flat + 1] = name
    flat[#flat + 1] = S(number)
  end
  say(flat)
end

if q then
  local buckets = call('ZRANGEBYSCORE', q.p .. 'b', from, '+inf', 'LIMIT', 0, many)
  for _, bucket in ipairs(buckets) do check_bucket(tonumber(bucket)) end
  say(#buckets == many and S(buckets[#buckets] + 1) or '')
  say_numbers(found)
  local kept = { i = call('HLEN', q.p .. 'i'), w = call('LLEN', q.p .. 'w') - q.dead }
  for _, key in ipairs({ 'b', 'o', 'y', 'd', 'e', 'a', 'zc', 'zf', 'zx', 'zk' }) do kept[key] = call('ZCARD', q.p .. key) end
  for _, state in ipairs(STATES) do kept[state] = counted(q, state) end
  kept.total = counted(q, 't:added') - counted(q, 't:removed')
  say_numbers(kept)
  say(wrong)
end
return out
`;

/**
 * What hangs on jobs from elsewhere. ARGV: the workers of whom leases are kept, then what is kept for one job (attempts and
 * logs), each as number of the queue and number of the job, and 1 if it is the first such call. Says what is wrong as above.
 */
export const VERIFY_REST: string = `
local wrong, told, held = {}, {}, {}
local is_first = ARGV[#ARGV] == '1'
local function odd(check, what, example)
  if told[what] then return end
  told[what] = true
  for _, value in ipairs({ check, what, example }) do wrong[#wrong + 1] = value end
end
for _ = 1, num() do
  local worker = arg()
  for _, lease in ipairs(leases_of(worker)) do
    local q = queue_no(lease.number)
    local j = q and job_no(q, lease.seq)
    held[S(lease.token)] = true
    if not j or j.state ~= 'active' or j.token ~= lease.token or j.worker ~= worker then
      odd('leases', 'leases belong to no active job', S(lease.token))
    end
  end
end
for _, ref in ipairs(is_first and call('SMEMBERS', P .. 'sus') or {}) do
  if not held[string.match(ref, '^%d+')] then odd('leases', 'suspicions belong to no lease', ref) end
end
for _, ref in ipairs(is_first and call('ZRANGE', P .. 'lx', 0, -1) or {}) do
  if not held[string.match(ref, '^%d+')] then odd('leases', 'ends are noted for no lease', ref) end
end
local moved = is_first and not SPREAD and call('HGETALL', P .. 'mv') or {}
for i = 1, #moved, 2 do
  for number, seq in string.gmatch(moved[i + 1], '(%d+):(%d+):%d+') do
    local q = queue_no(number)
    local j = q and job_no(q, tonumber(seq))
    if not j or not j.has_origin then odd('moved', 'jobs that moved are noted and gone', moved[i]) end
  end
end
for _ = 1, num() do
  local number, seq = arg(), num()
  local q = queue_no(number)
  if not q or call('HEXISTS', q.p .. 'f' .. floor(seq / BUCKET), seq % BUCKET) == 0 then
    odd('orphans', 'attempts or logs belong to no job', number .. ':' .. S(seq))
  end
end
say(wrong)
return out
`;

/** Everything of a small store in one step, or the ids of a large one. ARGV: how many jobs are few. */
export const DUMP: string = `
say(S(now))
local names = call('HVALS', P .. 'names')
local total = 0
say(#names)
for _, name in ipairs(names) do
  local q = queue_at(name)
  total = total + call('HLEN', q.p .. 'i')
  say_queue(q)
  local back = said
  say(0)
  say_stats(q, 'm', '-inf')
  say_stats(q, 'h', '-inf')
  out[back + 1] = (said - back - 1) / 3
end
say_sessions()
say_operations()
local few = total <= num()
say(few and 1 or 0)
for _, name in ipairs(names) do
  local q = queue_at(name)
  if few then
    local ids = call('HVALS', q.p .. 'i')
    say(name)
    say(#ids)
    for _, seq in ipairs(ids) do say_whole(job_no(q, tonumber(seq))) end
  else
    say(name)
    say(call('HGETALL', q.p .. 'i'))
  end
end
return out
`;

export const SAY_WHOLE: string = `
local function say_whole(j)
  say_job(j)
  say(call('LRANGE', j.q.p .. 't' .. S(j.seq), 0, -1))
  say(call('LRANGE', j.q.p .. 'g' .. S(j.seq), 0, -1))
end
`;

/** ARGV: pairs of queue and number. Those that are still there. */
export const WHOLE_JOBS: string = `
for _ = 1, num() do
  local name, seq = arg(), num()
  local q = queue_at(name)
  local j = q and job_no(q, seq)
  if j then
    say(name)
    say_whole(j)
  end
end
return out
`;
