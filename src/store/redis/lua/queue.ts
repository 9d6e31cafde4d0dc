/** What a script knows of queues: settings, numbers and whether changes are recorded. Each queue is read once a call. */

import { DEFAULT_SETTINGS_TEXT } from '../settings-text.ts';

/**
 * A queue's hash stands under its name; it is there if and only if the field `n` (its number) is. The settings are one
 * text (`s`), left out while they are the default, so that nothing parses JSON here. Differences of numbers are summed
 * and written once, by `flush`.
 */
export const QUEUE: string = `
local queues = {}
local touched = {}

local function set_settings(q, text)
  local v = {}
  for part in string.gmatch(text, '[^|]+') do v[#v + 1] = part end
  q.s = text
  q.v = v
  q.paused = v[1] == '1'
  q.once = v[2] == '1'
  q.max_crashes = tonumber(v[3])
  q.dlq = v[4] ~= '-' and v[4] or nil
  q.age = { completed = tonumber(v[5]), failed = tonumber(v[7]), cancelled = tonumber(v[9]) }
  q.cap = { completed = tonumber(v[6]), failed = tonumber(v[8]), cancelled = tonumber(v[10]) }
  q.rec = v[12] == 'on' or q.until_at > now
end

local function number_queue(q, n)
  q.n = n
  q.p = P .. n .. ':'
end

-- Also of a name that is no queue: then n is nil. Its changes may be recorded all the same.
local function queue_known(name)
  local q = queues[name]
  if q then return q end
  local k = P .. 'q:' .. name
  local v = call('HMGET', k, 'n', 's', 'ru', 'lm', 'dead', 'wr', 'we')
  q = { name = name, k = k, until_at = tonumber(v[3] or '0'), minute = v[4] or '', d = {}, st = {} }
  q.dead = tonumber(v[5] or '0')
  q.wr = v[6]
  q.we = v[7]
  if v[1] then number_queue(q, v[1]) end
  set_settings(q, v[2] or '${DEFAULT_SETTINGS_TEXT}')
  queues[name] = q
  return q
end

local function queue_at(name)
  local q = queue_known(name)
  if q.n then return q end
  return nil
end

local function queue_of(name)
  local q = queue_known(name)
  if q.n then return q end
  number_queue(q, S(next_number('queue')))
  -- Nobody can have said yet that they want to hear of it.
  q.fresh = true
  call('HSET', q.k, 'n', q.n, 'c', S(now))
  call('HSET', P .. 'names', q.n, name)
  return q
end

-- The queue with this number; every job has the number of its queue.
local function queue_no(n)
  local name = call('HGET', P .. 'names', n)
  if name then return queue_at(name) end
  return nil
end

local function touch(q)
  if not q.touched then
    q.touched = true
    touched[#touched + 1] = q
  end
end

local function bump(q, field, by)
  touch(q)
  q.d[field] = (q.d[field] or 0) + by
end

-- A number of the queue, with what this call has changed.
local function counted(q, field)
  return tonumber(call('HGET', q.k, field) or '0') + (q.d[field] or 0)
end

-- Deleted in the step that ends it: own is what the job itself says, in ms, or nil.
local function kept_for_no_time(q, state, own)
  if own then return own == 0 end
  return q.age[state] == 0 or q.cap[state] == 0
end
`;
