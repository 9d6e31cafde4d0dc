/**
 * Claiming jobs of whom nothing is unusual, many in few commands and without a table for each: new ones in their turn, without
 * a timeout and without progress from an earlier life. Used by the lean script and by the long way alike. Needs FIELD, INT
 * and BOUNDS.
 */
export const PLAIN: string = `
-- How many jobs of each name, by the bucket of their time.
local function hit(by, kind, ms)
  local bucket, hits = 1, by[kind]
  while bucket <= #BOUNDS and ms > BOUNDS[bucket] do bucket = bucket + 1 end
  if not hits then
    hits = {}
    by[kind] = hits
  end
  hits[bucket] = (hits[bucket] or 0) + 1
end

-- Their fixed parts, and where they are, by buckets; nil where anything is unusual.
local function look_plain(p, listed, waited_by)
  local by, fresh = {}, {}
  local from, seq = 1, tonumber(listed[1])
  while seq do
    local b, n = floor(seq / 128), {}
    while seq and floor(seq / 128) == b do
      n[#n + 1] = FIELD[seq % 128 + 1]
      from = from + 1
      seq = tonumber(listed[from])
    end
    if call('EXISTS', p .. 'x' .. b) == 1 then
      local rare = {}
      for index = 1, #n do rare[index] = n[index] .. 'p' end
      for _, there in ipairs(call('HMGET', p .. 'x' .. b, unpack(rare))) do if there then return nil end end
    end
    local fixed = call('HMGET', p .. 'f' .. b, unpack(n))
    for index = 1, #n do
      local f = fixed[index]
      if not f then return nil end
      local pos = 11
      if byte(f, 8) % 4 > 1 then
        if sunpack('>I6', f, 26) > 0 then return nil end
        pos = 45
      end
      pos = pos + byte(f, 9) + 1
      hit(waited_by, sub(f, pos, pos + byte(f, 10)), now - sunpack('>I6', f))
      fresh[#fresh + 1] = f
    end
    by[#by + 1] = { b = b, n = n }
  end
  return by, fresh
end

-- Their leases and moving parts are written; answers the latter. Tokens follow one another from the first on.
local function hold_plain(p, number, listed, by, claim)
  local active, leases, moving, token = {}, {}, {}, claim.first
  local this, head = format(INT, now), char(20, claim.spared and 1 or 0)
  local tail, index = spack('>I6I6', now, 0) .. claim.worker, 0
  for _, g in ipairs(by) do
    local set = {}
    for each = 1, #g.n do
      index = index + 1
      local seq, m = listed[index], head .. spack('>I7', token) .. tail
      set[2 * each - 1], set[2 * each], moving[index] = g.n[each], m, m
      active[2 * index - 1], active[2 * index] = this, char(96 + #seq) .. seq
      leases[2 * index - 1], leases[2 * index] = format(INT, token), number .. ':' .. seq
      token = token + 1
    end
    call('HSET', p .. 'm' .. g.b, unpack(set))
  end
  call('ZADD', p .. 'a', unpack(active))
  call('HSET', P .. 'l:' .. claim.worker, unpack(leases))
  call('LTRIM', p .. 'w', #listed, -1)
  return moving
end
`;
