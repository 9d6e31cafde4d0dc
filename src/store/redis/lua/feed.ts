/** The change feed: a stream a queue, written only while somebody listens; the entry's id is the change's number. */

export const TELL: string = `
-- Changes at and below the floor may be missing. Uses up a number.
local function start_recording(q)
  q.rec = true
  call('HSET', q.k, 'rf', S(next_number('change')))
end

local function tell(q, kind, id, name, data)
  if not q.rec then return end
  local key = P .. 'feed:' .. q.name
  local at = S(next_number('change')) .. '-0'
  if data and #data <= 65536 then
    call('XADD', key, at, 'a', S(now), 'k', kind, 'i', id, 'n', name, 'd', data)
  else
    call('XADD', key, at, 'a', S(now), 'k', kind, 'i', id, 'n', name)
  end
  if not q.fed then
    q.fed = true
    call('SADD', P .. 'feeds', q.name)
  end
end
`;

/**
 * ARGV: a number below which no further change may be, after ('' for none), limit, keepMs, then the queues. Answers the cursor,
 * whether it is complete, the pages.
 */
export const FEED: string = `
local least = num()
if least > number_of('change') then set_number('change', least) end
local after = arg()
local limit = arg()
local keep = tonumber(arg())
local known = {}
local complete = 1
for i = 1, tonumber(arg()) do
  local q = queue_known(arg())
  if not q.rec then start_recording(q) end
  local until_at = math.max(q.until_at, now + keep)
  if until_at ~= q.until_at then call('HSET', q.k, 'ru', S(until_at)) end
  known[i] = q
end
local pages = {}
if after ~= '' then
  for i, q in ipairs(known) do
    local floor = tonumber(call('HGET', q.k, 'rf') or '0')
    if tonumber(after) < floor then complete = 0 end
    pages[#pages + 1] = q.name
    pages[#pages + 1] = call('XRANGE', P .. 'feed:' .. q.name, after .. '-1', '+', 'COUNT', limit)
  end
end
local last = S(number_of('change'))
flush()
say(last)
say(complete)
say(pages)
say(hints_out())
return out
`;

/** Drops changes that are too old, and those beyond the newest of each queue. */
export const PRUNE_CHANGES: string = `
local function drop_changes(q, key, before)
  -- What goes is below the first that stays; its number is the new floor.
  local gone = call('XREVRANGE', key, '(' .. before, '-', 'COUNT', 1)[1]
  if not gone then return end
  call('XTRIM', key, 'MINID', before)
  local floor = string.match(gone[1], '^%d+')
  if tonumber(floor) > tonumber(call('HGET', q.k, 'rf') or '0') then call('HSET', q.k, 'rf', floor) end
end

local function first_younger(key, kept_ms)
  local from = '-'
  while true do
    local page = call('XRANGE', key, from, '+', 'COUNT', 100)
    if #page == 0 then return nil end
    for i, entry in ipairs(page) do
      if now - tonumber(entry[2][2]) < kept_ms then return entry[1] end
    end
    from = '(' .. page[#page][1]
  end
end

local function prune_changes(kept, kept_ms)
  for _, name in ipairs(call('SMEMBERS', P .. 'feeds')) do
    local q = queue_known(name)
    local key = P .. 'feed:' .. name
    local before = first_younger(key, kept_ms)
    if before then
      drop_changes(q, key, before)
      local many = call('XLEN', key)
      if many > kept then
        local oldest = call('XRANGE', key, '-', '+', 'COUNT', many - kept + 1)
        drop_changes(q, key, oldest[#oldest][1])
      end
    else
      local newest = call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
      if newest then
        local floor = string.match(newest[1], '^%d+')
        if tonumber(floor) > tonumber(call('HGET', q.k, 'rf') or '0') then call('HSET', q.k, 'rf', floor) end
      end
      call('DEL', key)
      call('SREM', P .. 'feeds', name)
    end
  end
end
`;
