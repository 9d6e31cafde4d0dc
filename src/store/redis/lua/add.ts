/** New jobs: a batch of one queue is written together. */
export const ADD: string = `
-- Priority 0, not lifo, no delay, no time to live: it stands in the list.
local function is_in_turn(blob, flags)
  if flags % 2 == 1 then return false end
  if flags % 4 < 2 then return true end
  local priority, delay, ttl = sunpack('>I3I6I6', blob, 4)
  return priority == 0 and delay == 0 and ttl == 0
end

local function write_new(q, new)
  local fields, b = {}, nil
  local function out_bucket()
    if not b then return end
    call('HSET', q.p .. 'f' .. b, unpack(fields))
    call('ZADD', q.p .. 'b', b, b)
    fields = {}
  end
  for _, each in ipairs(new) do
    local own = floor(each.seq / BUCKET)
    if own ~= b then
      out_bucket()
      b = own
    end
    fields[#fields + 1] = each.seq % BUCKET
    fields[#fields + 1] = each.fixed
  end
  out_bucket()
end

local function add_to(q, blobs, marks)
  local ids, names, flags = {}, {}, {}
  for index, blob in ipairs(blobs) do
    local flag, id_size, name_size = byte(blob, 1, 3)
    local pos = flag % 4 > 1 and 38 or 4
    flags[index], ids[index] = flag, sub(blob, pos, pos + id_size)
    names[index] = sub(blob, pos + id_size + 1, pos + id_size + name_size + 1)
  end
  local known, seen = call('HMGET', q.p .. 'i', unpack(ids)), {}
  local seq, in_time = number_of('seq'), now >= number_of('at')
  local new, pairs_of_ids, listed, apart = {}, {}, {}, {}
  local in_list, beside = spack('>I6B', now, 1), spack('>I6B', now, 0)
  for index, blob in ipairs(blobs) do
    local id, name = ids[index], names[index]
    if known[index] or seen[id] then
      bump(q, 't:duplicates', 1)
      if q.rec then tell(q, 'duplicate', id, seen[id] or find_job(q, id).name) end
      marks[#marks + 1] = 'd'
    else
      seen[id], seq = name, seq + 1
      local each = { seq = seq }
      if in_time and is_in_turn(blob, flags[index]) then
        each.fixed = in_list .. blob
        listed[#listed + 1] = seq
      else
        each.fixed = beside .. blob
        apart[#apart + 1] = each
      end
      new[#new + 1] = each
      pairs_of_ids[#pairs_of_ids + 1] = id
      pairs_of_ids[#pairs_of_ids + 1] = seq
      tell(q, 'added', id, name)
      count(q, name, 'a')
      marks[#marks + 1] = 'c'
    end
  end
  if #new == 0 then return end
  set_number('seq', seq)
  write_new(q, new)
  call('HSET', q.p .. 'i', unpack(pairs_of_ids))
  if #listed > 0 then
    call('RPUSH', q.p .. 'w', unpack(listed))
    bump(q, 'waiting', #listed)
    if now > number_of('at') then set_number('at', now) end
  end
  for _, each in ipairs(apart) do enter(job_of(q, each.seq, each.fixed)) end
  bump(q, 't:added', #new)
  hint(q.name, 'ready')
end

-- Runs of jobs of one queue. The answer is a letter a job: created, duplicate.
local function add_jobs()
  local marks = {}
  for _ = 1, num() do
    local q, blobs = queue_of(arg()), {}
    for index = 1, num() do blobs[index] = arg() end
    add_to(q, blobs, marks)
  end
  say(table.concat(marks))
end
`;

export const ADD_EFFECT: string = `
EFFECT['add'] = add_jobs
`;

/** Answers of earlier calls, in two generations of which the older goes when the newer is full. */
export const REQUESTS: string = `
local GENERATION = 200000
local REMEMBERED_MS = 600000
local function answered_request(id)
  for generation = 0, 1 do
    local kept = call('HGET', P .. 'rq' .. generation, id)
    local at = kept and sunpack('>I6', kept)
    if at and now - at < REMEMBERED_MS and at > forgotten_till() then return cmsgpack.unpack(sub(kept, 7)) end
  end
end
-- The first that is kept tells how the others are to be read.
local function remember_request(id, shape)
  local answers = { shape }
  for index = 2, said do answers[index] = out[index] end
  local number = next_number('requests')
  local key = P .. 'rq' .. floor(number / GENERATION) % 2
  if number % GENERATION == 0 then call('UNLINK', key) end
  call('HSET', key, id, spack('>I6', now) .. cmsgpack.pack(answers))
  call('PEXPIRE', key, 2 * REMEMBERED_MS)
end
`;

/** ARGV: a request id. Says what it was answered, or nothing. */
export const READ_ANSWERS: string = `
local known = answered_request(arg())
for _, answer in ipairs(known or {}) do say(answer) end
return out
`;

export const APPLY: string = `
local id, shape = arg(), arg()
local known = id ~= '' and answered_request(id)
if known then
  for _, answer in ipairs(known) do say(answer) end
else
  say('')
  for _ = 1, num() do EFFECT[arg()]() end
  if id ~= '' then remember_request(id, shape) end
  audit_rows()
end
flush()
say(hints_out())
return out
`;

const ADD_ALONE = `
local id, shape = arg(), arg()
local known = id ~= '' and answered_request(id)
if known then
  for _, answer in ipairs(known) do say(answer) end
else
  say('')
  add_jobs()
  if id ~= '' then remember_request(id, shape) end
end
flush()
`;
const OUT = `say(hints_out())
return out
`;

/** The same for jobs alone. */
export const APPLY_ADD: string = ADD_ALONE + OUT;

/** The same where `lua/lean-add.ts` found something unusual, which its last answer tells: it is a number. */
export const APPLY_ADD_AFTER_ALL: string = `${ADD_ALONE}say(0)\n${OUT}`;
