/** Statistics: a hash per queue and minute (later hour), a field per number and job name; summed per call. */

import { HOUR_MS, MINUTE_MS } from '../../../job/histogram.ts';
import { BOUNDS } from './bounds.ts';

/**
 * Fields: `a` added, `c` completed, `f` failed, `r` retried, `w07` and `u07` the buckets of waiting and running times,
 * each followed by the name of the job. `stm:` and `sth:` list the minutes and hours that a queue has.
 */
export const STATS: string = `
${BOUNDS}
local function count(q, name, event)
  touch(q)
  local field = event .. name
  q.st[field] = (q.st[field] or 0) + 1
end

local function took(q, name, what, ms)
  local bucket = 1
  while bucket <= #BOUNDS and ms > BOUNDS[bucket] do bucket = bucket + 1 end
  count(q, string.format('%s%02d%s', what, bucket - 1, name), '')
end

local function stats_key(q, step, from)
  return P .. 'st:' .. q.name .. ':' .. step .. from
end

local function write_stats(q)
  if next(q.st) == nil then return end
  local minute = S(now - now % ${MINUTE_MS})
  local key = stats_key(q, 'm', minute)
  for field, by in pairs(q.st) do call('HINCRBY', key, field, by) end
  q.st = {}
  if q.minute ~= minute then
    q.minute = minute
    call('ZADD', P .. 'stm:' .. q.name, minute, minute)
    call('HSET', q.k, 'lm', minute)
    call('HDEL', NUM, 'folded')
  end
end

local function drop_stats(q)
  for step, index in pairs({ m = 'stm:', h = 'sth:' }) do
    for _, from in ipairs(call('ZRANGE', P .. index .. q.name, 0, -1)) do
      call('DEL', stats_key(q, step, from))
    end
    call('DEL', P .. index .. q.name)
  end
end
`;

/** Old minutes into hours; hours are dropped in time. Looks once a minute: nothing becomes old in between. */
export const FOLD: string = `
local function fold_minute(q, minute)
  local key = stats_key(q, 'm', minute)
  local hour = S(tonumber(minute) - tonumber(minute) % ${HOUR_MS})
  local to = stats_key(q, 'h', hour)
  local v = call('HGETALL', key)
  for i = 1, #v, 2 do call('HINCRBY', to, v[i], v[i + 1]) end
  call('ZADD', P .. 'sth:' .. q.name, hour, hour)
  call('DEL', key)
  call('ZREM', P .. 'stm:' .. q.name, minute)
  -- The clock may go back to it.
  if q.minute == minute then
    q.minute = ''
    call('HDEL', q.k, 'lm')
  end
end

local function fold_stats(names, minutes_ms, hours_ms)
  local this = S(now - now % ${MINUTE_MS})
  if call('HGET', NUM, 'folded') == this then return end
  call('HSET', NUM, 'folded', this)
  for _, name in ipairs(names) do
    local q = queue_at(name)
    local old = call('ZRANGEBYSCORE', P .. 'stm:' .. name, '-inf', S(now - minutes_ms - ${MINUTE_MS}))
    for _, minute in ipairs(old) do fold_minute(q, minute) end
    local key = P .. 'sth:' .. name
    local gone = call('ZRANGEBYSCORE', key, '-inf', S(now - hours_ms - ${HOUR_MS}))
    for _, hour in ipairs(gone) do
      call('DEL', stats_key(q, 'h', hour))
      call('ZREM', key, hour)
    end
  end
end
`;

/** Step, start and fields of all that begin after some time. */
export const SAY_STATS: string = `
local function say_stats(q, step, after)
  for _, from in ipairs(call('ZRANGEBYSCORE', P .. 'st' .. step .. ':' .. q.name, '(' .. after, '+inf')) do
    say(step)
    say(from)
    say(call('HGETALL', stats_key(q, step, from)))
  end
end
`;

/** ARGV: queue, withinMs, step. Says the instant after which points end, and what may be needed for them. */
export const READ_STATS: string = `
local q, within, step = queue_at(arg()), num(), arg()
if q then
  local after = now - within
  say(S(after))
  say_stats(q, 'm', S(after - after % ${HOUR_MS} - ${HOUR_MS}))
  if step == 'hour' then say_stats(q, 'h', S(after - ${HOUR_MS})) end
end
return out
`;
