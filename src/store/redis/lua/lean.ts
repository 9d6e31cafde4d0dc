/**
 * The most frequent call in one piece: jobs of one queue about which nothing is unusual complete, and others like them
 * are claimed. All is checked before anything is written; where something is unusual it answers 0, nothing is done, and
 * `lua/settle.ts` and `lua/claim.ts` do it. It does what they do, without making their functions and a table for each job.
 *
 * ARGV: queue, how many settlements; of each id, token, whether there is a result, result; 1 or 0 claims: its id, limit,
 * worker, whether it is spared, what it asks for. Answers 1, what claims answer, and the news.
 */
export const LEAN: string = `
local P, ME, call = KEYS[1], ARGV[2], redis.call
local floor, sub, byte, char, format = math.floor, string.sub, string.byte, string.char, string.format
local spack, sunpack, match = struct.pack, struct.unpack, string.match
local BOUNDS = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 60000, 300000, 900000, 3600000 }
local NO = { 0, {} }
local now, micros = tonumber(ARGV[1]), 0
if not now then
  local time = call('TIME')
  micros = time[1] * 1000000 + time[2]
  now = floor(micros / 1000)
end
local name, many = ARGV[3], tonumber(ARGV[4])
local k = P .. 'q:' .. name
local minute = format('%.0f', now - now % 60000)
local v = call('HMGET', k, 'n', 's', 'ru', 'lm', 'dead', 'wr', 'we')
if not v[1] or v[4] ~= minute or tonumber(v[3] or 0) > now or (v[5] and v[5] ~= '0') then return NO end
if v[2] then
  local paused, once, age, cap = match(v[2], '^([^|]*)|([^|]*)|[^|]*|[^|]*|([^|]*)|([^|]*)|')
  if paused ~= '0' or once ~= '0' or age == '0' or cap == '0' or sub(v[2], -3) == '|on' then return NO end
end
local p, sums, worker = P .. v[1] .. ':', {}, nil
local groups, order, ids, results = {}, {}, {}, false

if many > 0 then
  for i = 1, many do ids[i] = ARGV[4 * i + 1] end
  local seqs = call('HMGET', p .. 'i', unpack(ids))
  for i = 1, many do
    local seq = tonumber(seqs[i] or 0)
    if seq == 0 then return NO end
    local b = floor(seq / 128)
    local g = groups[b]
    if not g then
      g = { at = {}, n = {}, set = {}, rare = {} }
      groups[b] = g
      order[#order + 1] = b
    end
    g.at[#g.at + 1] = i
    g.n[#g.n + 1] = seq % 128
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
      local kind = sub(f, pos, pos + byte(f, 10))
      local bucket, ran = 1, now - claimed
      while bucket < 19 and ran > BOUNDS[bucket] do bucket = bucket + 1 end
      local done, took = 'c' .. kind, format('u%02d', bucket - 1) .. kind
      sums[done] = (sums[done] or 0) + 1
      sums[took] = (sums[took] or 0) + 1
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
local claims, listed, due, text = ARGV[at] == '1', {}, nil, nil
local by, fresh, cid, limit, who, spared = {}, {}, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4] == '1'
if claims then
  local flag = ARGV[at + 5]
  local till = match(call('HGET', P .. 'se', who) or '', '^%S+ %S+ (%S+)')
  if not till or tonumber(till) <= now then return NO end
  text = call('GET', P .. 'cl:' .. who) or ''
  if string.find(text, '\\n' .. cid .. '\\t', 1, true) then return NO end
  due = call('ZRANGE', p .. 'd', 0, 0, 'WITHSCORES')[2]
  if due and tonumber(due) <= now then return NO end
  if call('EXISTS', p .. 'o') == 1 then return NO end
  listed = call('LRANGE', p .. 'w', 0, limit - 1)
  if (flag == '1' and #listed == 0) or (flag == '2' and v[6]) then return NO end
  local from = 1
  while from <= #listed do
    local b, n, rare = floor(listed[from] / 128), {}, {}
    while listed[from] and floor(listed[from] / 128) == b do
      n[#n + 1] = listed[from] % 128
      rare[#n] = n[#n] .. 'p'
      from = from + 1
    end
    if call('EXISTS', p .. 'x' .. b) == 1 then
      for _, there in ipairs(call('HMGET', p .. 'x' .. b, unpack(rare))) do if there then return NO end end
    end
    local fixed = call('HMGET', p .. 'f' .. b, unpack(n))
    for index = 1, #n do
      local f = fixed[index]
      if not f then return NO end
      local pos = 11
      if byte(f, 8) % 4 > 1 then
        if sunpack('>I6', f, 26) > 0 then return NO end
        pos = 45
      end
      pos = pos + byte(f, 9) + 1
      local bucket, waited = 1, now - sunpack('>I6', f)
      while bucket < 19 and waited > BOUNDS[bucket] do bucket = bucket + 1 end
      local took = format('w%02d', bucket - 1) .. sub(f, pos, pos + byte(f, 10))
      sums[took] = (sums[took] or 0) + 1
      fresh[#fresh + 1] = f
    end
    by[#by + 1] = { b = b, n = n }
  end
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
      local digits = format('%.0f', b * 128 + g.n[index])
      local i = g.at[index]
      out_of[i] = char(96 + #digits) .. digits
      tokens[i] = ARGV[4 * i + 2]
      into[2 * i - 1], into[2 * i] = now, out_of[i]
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
  local last = tonumber(call('HGET', P .. 'n', 'token') or 0)
  local first = last < micros and micros or last + 1
  out[2], out[3], out[4], out[5], out[6] = 0, 0, due and format('%.0f', due - now) or '', #listed, format('%.0f', now)
  if #listed > 0 then
    local active, leases, token, head, tail = {}, {}, first, char(20, spared and 1 or 0), spack('>I6I6', now, 0) .. who
    local index = 0
    for _, g in ipairs(by) do
      local set = {}
      for each = 1, #g.n do
        index = index + 1
        local seq, m = listed[index], head .. spack('>I7', token) .. tail
        set[2 * each - 1], set[2 * each] = g.n[each], m
        active[2 * index - 1], active[2 * index] = now, char(96 + #seq) .. seq
        leases[2 * index - 1], leases[2 * index] = format('%.0f', token), v[1] .. ':' .. seq
        out[3 + 4 * index], out[4 + 4 * index], out[5 + 4 * index], out[6 + 4 * index] = 0, tonumber(seq), fresh[index], m
        token = token + 1
      end
      call('HSET', p .. 'm' .. g.b, unpack(set))
    end
    call('ZADD', p .. 'a', unpack(active))
    call('HSET', P .. 'l:' .. who, unpack(leases))
    call('LTRIM', p .. 'w', #listed, -1)
    call('HSET', P .. 'n', 'token', format('%.0f', token - 1))
    call('HINCRBY', k, 'waiting', -#listed)
    if #text > 6000 then text = sub(text, string.find(text, '\\n', #text - 3000, true) or 1) end
    local told = '\\n' .. cid .. '\\t' .. format('%.0f %.0f %.0f', now, first, token - 1)
    call('SET', P .. 'cl:' .. who, text .. told, 'PX', 600000)
  end
end
if #listed ~= many then call('HINCRBY', k, 'active', #listed - many) end
for field, by_many in pairs(sums) do call('HINCRBY', P .. 'st:' .. name .. ':m' .. minute, field, by_many) end
out[#out + 1] = many > 0 and { name, 'ended' } or {}
return out
`;
