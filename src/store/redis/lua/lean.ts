import { BOUNDS } from './bounds.ts';
import { NUMBERS } from './numbers.ts';
import { PLAIN } from './plain.ts';

/**
 * The most frequent call in one piece: jobs of one queue about which nothing is unusual complete, and others like them
 * are claimed. All is checked before anything is written; where something is unusual it answers 0, nothing is done, and
 * `lua/settle.ts` and `lua/claim.ts` do it. It does what they do, without making their functions and a table for each job.
 *
 * ARGV: queue, how many settlements; of each id, token, whether there is a result, result; 1 or 0 claims: its id, limit,
 * worker, whether it is spared, what it asks for. Answers 1, what claims answer, and the news.
 */
export const LEAN: string = `
${NUMBERS}local P, ME, call = KEYS[1], ARGV[2], redis.call
local floor, sub, byte, char, format = math.floor, string.sub, string.byte, string.char, string.format
local spack, sunpack, match = struct.pack, struct.unpack, string.match
${BOUNDS}local NO = { 0, {} }
local now, micros = tonumber(ARGV[1]), 0
if not now then
  local time = call('TIME')
  micros = time[1] * 1000000 + time[2]
  now = floor(micros / 1000)
end
local name, many = ARGV[3], tonumber(ARGV[4])
local k = P .. 'q:' .. name
local minute = format(INT, now - now % 60000)
local v = call('HMGET', k, 'n', 's', 'ru', 'lm', 'dead', 'wr', 'we')
if not v[1] or tonumber(v[3] or 0) > now or (v[5] and v[5] ~= '0') then return NO end
if v[2] then
  local paused, once, age, cap = match(v[2], '^([^|]*)|([^|]*)|[^|]*|[^|]*|([^|]*)|([^|]*)|')
  if paused ~= '0' or once ~= '0' or age == '0' or cap == '0' or sub(v[2], -3) == '|on' then return NO end
end
local p, worker = P .. v[1] .. ':', nil
-- How many jobs of each name, by the bucket of their time.
local ran_by, waited_by, this = {}, {}, format(INT, now)
${PLAIN}local groups, order, ids, results = {}, {}, {}, false

if many > 0 then
  if v[4] ~= minute then return NO end
  for i = 1, many do ids[i] = ARGV[4 * i + 1] end
  local seqs = call('HMGET', p .. 'i', unpack(ids))
  for i = 1, many do
    local text = seqs[i]
    if not text then return NO end
    local seq = tonumber(text)
    local b = floor(seq / 128)
    local g = groups[b]
    if not g then
      g = { at = {}, n = {}, member = {}, set = {}, rare = {} }
      groups[b] = g
      order[#order + 1] = b
    end
    local own = #g.at + 1
    g.at[own], g.member[own] = i, char(96 + #text) .. text
    g.n[own] = FIELD[seq % 128 + 1]
  end
  local finished = spack('>I6', now + 1)
  for _, b in ipairs(order) do
    local g = groups[b]
    local fixed, moving = call('HMGET', p .. 'f' .. b, unpack(g.n)), call('HMGET', p .. 'm' .. b, unpack(g.n))
    for index = 1, #g.n do
      local f, m, i = fixed[index], moving[index], g.at[index]
      -- Active in its first run, with no time of its own, no trace and no wish to stop.
      if not f or not m or byte(m) ~= 20 or byte(m, 2) > 1 then return NO end
      local token, claimed = sunpack('>I7I6', m, 3)
      local who = sub(m, 22)
      if token ~= tonumber(ARGV[4 * i + 2]) or (worker and who ~= worker) then return NO end
      worker = who
      local pos = 11
      if byte(f, 8) % 4 > 1 then
        if sunpack('>I6', f, 32) > 0 then return NO end
        pos = 45
      end
      pos = pos + byte(f, 9) + 1
      hit(ran_by, sub(f, pos, pos + byte(f, 10)), now - claimed)
      g.set[2 * index - 1] = g.n[index]
      g.set[2 * index] = char(22, 0) .. sub(m, 3, 15) .. finished .. who
      if ARGV[4 * i + 3] == '1' then
        g.rare[#g.rare + 1] = g.n[index] .. 'r'
        g.rare[#g.rare + 1] = ARGV[4 * i + 4]
      end
    end
  end
  local till = match(call('HGET', P .. 'se', worker) or '', '^%S+ %S+ (%S+)')
  if not till or tonumber(till) <= now then return NO end
end

local at = 5 + 4 * many
local claims, listed, due, text, flag = ARGV[at] == '1', {}, nil, nil, ARGV[at + 5]
local by, fresh, cid, limit, who, spared = {}, {}, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4] == '1'
if claims then
  local till = match(call('HGET', P .. 'se', who) or '', '^%S+ %S+ (%S+)')
  if not till or tonumber(till) <= now then return NO end
  text = call('GET', P .. 'cl:' .. who) or ''
  if string.find(text, '\\n' .. cid .. '\\t', 1, true) then return NO end
  due = call('ZRANGE', p .. 'd', 0, 0, 'WITHSCORES')[2]
  if due and tonumber(due) <= now then return NO end
  if call('EXISTS', p .. 'o') == 1 then return NO end
  listed = call('LRANGE', p .. 'w', 0, limit - 1)
  if #listed > 0 and v[4] ~= minute then return NO end
  by, fresh = look_plain(p, listed, waited_by)
  if not by then return NO end
end

-- From here on it writes.
local out = { 1 }
if many > 0 then
  local out_of, tokens, into = {}, {}, {}
  for _, b in ipairs(order) do
    local g = groups[b]
    call('HSET', p .. 'm' .. b, unpack(g.set))
    if #g.rare > 0 then call('HSET', p .. 'x' .. b, unpack(g.rare)) end
    for index = 1, #g.n do
      local i, member = g.at[index], g.member[index]
      out_of[i], tokens[i] = member, ARGV[4 * i + 2]
      into[2 * i - 1], into[2 * i] = this, member
    end
  end
  call('ZREM', p .. 'a', unpack(out_of))
  call('ZADD', p .. 'zc', unpack(into))
  call('HDEL', P .. 'l:' .. worker, unpack(tokens))
  call('HINCRBY', k, 'completed', many)
  call('HINCRBY', k, 't:completed', many)
  local till, awaited = match(v[7] or '', '^(%d+) (.*)$')
  if till and tonumber(till) > now and awaited ~= ME then
    -- Queues that spread have one channel.
    call('PUBLISH', (string.gsub(P, '^({[%w._-]+)/.*$', '%1}:')) .. 'news', ME .. ' ' .. name .. ' ended')
  end
end
if claims then
  -- Whoever found nothing wants to be told, and no longer once there was something.
  local wanted, wanting = match(v[6] or '', '^(%d+) (.*)$')
  local who_wants = wanted and tonumber(wanted) > now and wanting
  if flag == '1' and #listed == 0 then
    call('HSET', k, 'wr', format(INT, now + 60000) .. ' ' .. ((not who_wants or who_wants == ME) and ME or '*'))
  elseif flag == '2' and #listed > 0 and who_wants == ME then call('HDEL', k, 'wr') end
  local last = tonumber(call('HGET', P .. 'n', 'token') or 0)
  local first = last < micros and micros or last + 1
  out[2], out[3], out[4], out[5], out[6] = 0, 0, due and format(INT, due - now) or '', #listed, format(INT, now)
  if #listed > 0 then
    local token = first + #listed
    local moving = hold_plain(p, v[1], listed, by, { first = first, worker = who, spared = spared })
    for index = 1, #listed do
      local at_job = 3 + 4 * index
      out[at_job], out[at_job + 1], out[at_job + 2], out[at_job + 3] = 0, tonumber(listed[index]), fresh[index], moving[index]
    end
    call('HSET', P .. 'n', 'token', format(INT, token - 1))
    call('HINCRBY', k, 'waiting', -#listed)
    if #text > 6000 then text = sub(text, string.find(text, '\\n', #text - 3000, true) or 1) end
    local told = '\\n' .. cid .. '\\t' .. format('%.0f %.0f %.0f', now, first, token - 1)
    call('SET', P .. 'cl:' .. who, text .. told, 'PX', 600000)
  end
end
if #listed ~= many then call('HINCRBY', k, 'active', #listed - many) end
local stats = P .. 'st:' .. name .. ':m' .. minute
for letter, by in pairs({ u = ran_by, w = waited_by }) do
  for kind, hits in pairs(by) do
    local all = 0
    for bucket, times in pairs(hits) do
      all = all + times
      call('HINCRBY', stats, format('%s%02d', letter, bucket - 1) .. kind, times)
    end
    if letter == 'u' then call('HINCRBY', stats, 'c' .. kind, all) end
  end
end
out[#out + 1] = many > 0 and { name, 'ended' } or {}
return out
`;
