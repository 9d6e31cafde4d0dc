import { NUMBERS } from './numbers.ts';

/**
 * What every script begins with. A script is one chunk of Lua, joined from parts; it is one atomic step. Conventions:
 * `KEYS[1]` is the prefix of all keys, `ARGV[1]` the time ('' for that of the server), `ARGV[2]` who calls; what the verb
 * takes comes after and is read in order by `arg` and `num`. What it answers is said in order, by `say`. A field that is
 * null is `nil` or `false` in Lua and '' on the wire. Whole numbers below 1e14 may be joined to texts as they are; tokens may not, `S` makes them texts.
 */
export const STEP: string = `
${NUMBERS}local P, ME, call = KEYS[1], ARGV[2], redis.call
local floor, sub, byte, char, format = math.floor, string.sub, string.byte, string.char, string.format
local spack, sunpack = struct.pack, struct.unpack
local NUM = P .. 'n'
local now, micros = tonumber(ARGV[1]), 0
if not now then
  local time = call('TIME')
  micros = time[1] * 1000000 + time[2]
  now = floor(micros / 1000)
end
local place = 2
local function arg()
  place = place + 1
  return ARGV[place]
end
local function num()
  place = place + 1
  return tonumber(ARGV[place])
end
local out, said = {}, 0
local function say(value)
  said = said + 1
  out[said] = value
end
local function unsay(back)
  for index = back + 1, said do out[index] = nil end
  said = back
end
local function S(number) return format(INT, number) end

-- The numbers that only rise are read once, and written once at the end.
local NUMBERS = { 'seq', 'token', 'change', 'queue', 'move', 'at', 'requests' }
local numbers, risen
local function number_of(name)
  if not numbers then
    local read = call('HMGET', NUM, unpack(NUMBERS))
    numbers = {}
    for index, each in ipairs(NUMBERS) do numbers[each] = tonumber(read[index]) or 0 end
  end
  return numbers[name]
end
local function set_number(name, value)
  number_of(name)
  numbers[name] = value
  risen = risen or {}
  risen[name] = true
end
local function next_number(name)
  local value = number_of(name) + 1
  set_number(name, value)
  return value
end
-- What was answered till then nobody asks for again, although the clock went back after upkeep.
local function forgotten_till() return tonumber(call('HGET', NUM, 'forgotten') or 0) end
-- On the clock of the server tokens are no less than the microseconds that have passed, so that they rise although a
-- replica that lagged has taken over, which knows less of them than were given out.
local function next_token()
  local last = number_of('token')
  local token = last < micros and micros or last + 1
  set_number('token', token)
  return token
end
local function numbers_out()
  if not risen then return end
  local values = {}
  for name in pairs(risen) do
    values[#values + 1] = name
    values[#values + 1] = S(numbers[name])
  end
  risen = nil
  call('HSET', NUM, unpack(values))
end

-- Members of sorted sets: as texts they stand in the order of their numbers.
local function mark(seq)
  local digits = S(seq)
  return char(96 + #digits) .. digits
end
local function unmark(member) return tonumber(sub(member, 2)) end
`;
