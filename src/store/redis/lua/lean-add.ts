/**
 * Jobs of one queue about which nothing is unusual are added: new ones, in turn, to a queue that is known, while nobody
 * follows its changes. Takes what `APPLY_ADD` of `lua/add.ts` takes, with one run, and answers the same. All is
 * checked before anything is written; where something is unusual nothing is done, and the same script goes on with
 * `APPLY_ADD`: a second call might be overtaken by the adds that were sent after the first.
 *
 * ARGV: id of the request, its shape, 1, queue, how many, the packed jobs.
 */
export const LEAN_ADD: string = `
local function lean_add()
  local id, name, many = ARGV[3], ARGV[6], tonumber(ARGV[7])
  local k = P .. 'q:' .. name
  local minute = format(INT, now - now % 60000)
  local v = call('HMGET', k, 'n', 's', 'ru', 'lm', 'wr')
  if not v[1] or v[4] ~= minute or tonumber(v[3] or 0) > now or (v[2] and sub(v[2], -3) == '|on') then return end
  local p = P .. v[1] .. ':'
  local numbers = call('HMGET', P .. 'n', 'seq', 'at', 'requests')
  local seq, at, number = tonumber(numbers[1] or 0), tonumber(numbers[2] or 0), tonumber(numbers[3] or 0) + 1
  if now < at then return end
  if id ~= '' then
    -- The first of a generation forgets the one before the last.
    if number % 200000 == 0 or call('HGET', P .. 'rq0', id) or call('HGET', P .. 'rq1', id) then return end
  end

  local ids, seen, added = {}, {}, {}
  for index = 1, many do
    local blob = ARGV[7 + index]
    local flags, id_size, name_size = byte(blob, 1, 3)
    local pos = 4
    if flags % 2 == 1 then return end
    if flags % 4 > 1 then
      local priority, delay, ttl = struct.unpack('>I3I6I6', blob, 4)
      if priority > 0 or delay > 0 or ttl > 0 then return end
      pos = 38
    end
    local own = sub(blob, pos, pos + id_size)
    if seen[own] then return end
    seen[own] = true
    ids[index] = own
    local event = 'a' .. sub(blob, pos + id_size + 1, pos + id_size + name_size + 1)
    added[event] = (added[event] or 0) + 1
  end
  if many == 1 then
    if call('HEXISTS', p .. 'i', ids[1]) == 1 then return end
  else
    for _, there in ipairs(call('HMGET', p .. 'i', unpack(ids))) do if there then return end end
  end

  -- From here on it writes.
  local head, b, fields, pairs_of_ids, listed = struct.pack('>I6B', now, 1), floor((seq + 1) / 128), {}, {}, {}
  local function write_bucket()
    call('HSET', p .. 'f' .. b, unpack(fields))
    call('ZADD', p .. 'b', b, b)
  end
  for index = 1, many do
    seq = seq + 1
    if floor(seq / 128) ~= b then
      write_bucket()
      b, fields = floor(seq / 128), {}
    end
    local text = format(INT, seq)
    fields[#fields + 1] = FIELD[seq % 128 + 1]
    fields[#fields + 1] = head .. ARGV[7 + index]
    pairs_of_ids[2 * index - 1], pairs_of_ids[2 * index] = ids[index], text
    listed[index] = text
  end
  write_bucket()
  call('HSET', p .. 'i', unpack(pairs_of_ids))
  call('RPUSH', p .. 'w', unpack(listed))
  call('HINCRBY', k, 'waiting', many)
  call('HINCRBY', k, 't:added', many)
  for event, by in pairs(added) do call('HINCRBY', P .. 'st:' .. name .. ':m' .. minute, event, by) end
  local marks, till = string.rep('c', many), format(INT, now)
  if id == '' then call('HSET', P .. 'n', 'seq', seq, 'at', till)
  else
    call('HSET', P .. 'n', 'seq', seq, 'at', till, 'requests', number)
    local key = P .. 'rq' .. floor(number / 200000) % 2
    call('HSET', key, id, struct.pack('>I6', now) .. cmsgpack.pack({ ARGV[4], marks }))
    call('PEXPIRE', key, 1200000)
  end
  if v[5] then
    local wanted, who = string.match(v[5], '^(%d+) (.*)$')
    if wanted and tonumber(wanted) > now and who ~= ME then
      -- Queues that spread have one channel.
      call('PUBLISH', (string.gsub(P, '^({[%w._-]+)/.*$', '%1}:')) .. 'news', ME .. ' ' .. name .. ' ready')
    end
  end
  return { '', marks, { name, 'ready' } }
end
local short = lean_add()
if short then return short end
`;
