/** Queues as a whole: settings, emptying, deleting. */

import { MAX_SLICE } from '../../../job/limits.ts';

export const ADMIN: string = `
-- values: one for each place of the settings' text, '' for what stays.
local function configure(name, values)
  local q = queue_of(name)
  if values[12] == 'on' and not q.rec then start_recording(q) end
  local was, changed = q.paused, false
  for i, value in ipairs(values) do
    if value ~= '' and value ~= q.v[i] then
      q.v[i] = value
      changed = true
    end
  end
  if changed then
    set_settings(q, table.concat(q.v, '|'))
    call('HSET', q.k, 's', q.s)
  end
  hint(name, 'settings')
  if q.paused ~= was then
    tell(q, was and 'resumed' or 'paused', '', '')
    if was then hint(name, 'ready') end
  end
  return q
end

EFFECT.configure = function()
  local name, values = arg(), {}
  for i = 1, 12 do values[i] = arg() end
  say(configure(name, values).s)
end

-- Jobs that wait in turn up to a number, the oldest first; dead entries are passed over.
local function listed(q, before, many, found)
  local from = 0
  while #found < many do
    local page = call('LRANGE', q.p .. 'w', from, from + 999)
    for _, text in ipairs(page) do
      local seq = tonumber(text)
      if seq > before or #found >= many then return end
      local j = job_no(q, seq)
      if j and j.fresh and j.listed then found[#found + 1] = seq end
    end
    if #page < 1000 then return end
    from = from + 1000
  end
end

-- Members of an order up to a number: as many windows of it as it takes to find enough.
local function ordered(q, key, before, many, found, seq_of)
  local enough, from = #found + many, 0
  while #found < enough do
    local page = call('ZRANGE', q.p .. key, from, from + 9999)
    for _, member in ipairs(page) do
      local seq = seq_of(member)
      if seq <= before then found[#found + 1] = seq end
    end
    if #page < 10000 then return end
    from = from + 10000
  end
end

local function seq_in_turn(member)
  local _, seq = sunpack('>I8I7', member)
  return seq
end

local SLICE = ${MAX_SLICE}
local function say_swept(outcome, removed, more, before)
  say(outcome)
  say(removed)
  say(more and 1 or 0)
  say(S(before))
end

EFFECT.drain = function()
  local name, delayed, before = arg(), arg() == '1', num() or number_of('seq')
  local q = queue_at(name)
  if not q then return say_swept('ok', 0, false, before) end
  local found = {}
  listed(q, before, SLICE + 1, found)
  ordered(q, 'o', before, SLICE + 1, found, seq_in_turn)
  if delayed then ordered(q, 'd', before, counted(q, 'parked') + SLICE + 1, found, unmark) end
  table.sort(found)
  local removed, more = 0, false
  for _, seq in ipairs(found) do
    local j = job_no(q, seq)
    -- Those that are parked wait for a time, too.
    if j and j.state ~= 'parked' then
      more = removed == SLICE
      if more then break end
      discard_now(j)
      removed = removed + 1
    end
  end
  if not more then tell(q, 'drained', '', '') end
  say_swept('ok', removed, more, before)
end

local function seqs_in(q, bucket)
  local seqs = {}
  for _, field in ipairs(call('HKEYS', q.p .. 'f' .. bucket)) do seqs[#seqs + 1] = bucket * BUCKET + tonumber(field) end
  table.sort(seqs)
  return seqs
end

local function drop_queue(q)
  drop_stats(q)
  local floor_at = call('HGET', q.k, 'rf')
  call('HDEL', P .. 'names', q.n)
  call('DEL', q.k)
  for _, key in ipairs({ 'b', 'i', 'w', 'o', 'y', 'd', 'e', 'a', 'zc', 'zf', 'zx', 'zk' }) do call('DEL', q.p .. key) end
  -- Who reads the changes of this name is to know from where on there are some.
  if q.until_at > 0 then call('HSET', q.k, 'ru', S(q.until_at)) end
  if floor_at then call('HSET', q.k, 'rf', floor_at) end
  queues[q.name] = nil
  q.n, q.d, q.st = nil, {}, {}
end

EFFECT.obliterate = function()
  local name, force = arg(), arg() == '1'
  local q = queue_at(name)
  if not q then return say_swept('ok', 0, false, 0) end
  if not force and counted(q, 'active') > 0 then return say_swept('active', 0, false, 0) end
  configure(name, { '1', '', '', '', '', '', '', '', '', '', '', '' })
  local removed, more = 0, false
  while not more do
    local bucket = call('ZRANGE', q.p .. 'b', 0, 0)[1]
    if not bucket then break end
    for _, seq in ipairs(seqs_in(q, tonumber(bucket))) do
      more = removed == SLICE
      if more then break end
      discard_now(job_no(q, seq))
      removed = removed + 1
    end
  end
  if not more then drop_queue(q) end
  say_swept('ok', removed, more, 0)
end
`;
