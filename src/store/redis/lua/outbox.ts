/**
 * Queues that spread have a hash tag each, so what crosses them is written to a stream in the source's cell, in the same step,
 * and delivered afterwards. See docs/decisions/0028-spread-queues.md.
 */

/** `send(queue, kind, payload)`. The numbers of a cell's entries rise; the number of the latest change goes along. */
export const SEND: string = `
local CELL = string.match(P, '^{[%w._-]+/([%w._-]+)}:$')
local SPREAD = CELL ~= nil
local sent = false
local function send(target, kind, payload)
  call('XADD', P .. 'ob', S(next_token()) .. '-0', 't', target, 'k', kind, 'v', S(number_of('change')), 'p', payload)
  sent = true
end
`;

/** Where jobs went: "move:settled:token:queue" of each, by the id; in the cell that they left. */
export const MOVED: string = `
local function forget_moved(id, move)
  local rest = ''
  for each in string.gmatch(call('HGET', P .. 'mv', id) or '', '%S+') do
    if string.match(each, '^%d+') ~= move then rest = rest .. each .. ' ' end
  end
  if rest == '' then call('HDEL', P .. 'mv', id) else call('HSET', P .. 'mv', id, rest) end
end
local function left_origin(origin, id, move)
  local queue = string.match(origin, '^%S+ %S+ (%S+)$')
  if queue == CELL then forget_moved(id, S(move)) else send(queue, 'forget', cmsgpack.pack({ id, S(move) })) end
end
-- What a settlement is told whose job has moved on.
local function settled_before_move(id, token)
  local refs = SPREAD and call('HGET', P .. 'mv', id)
  if not refs then return 'gone', '' end
  for settled in string.gmatch(refs, '%d+:(%d+):%d+:%S+') do
    if settled == S(token) then return 'ok', 'waiting' end
  end
  return 'superseded', ''
end
`;

/** \`ending\`: what the job becomes if it must come back. */
export const SEND_JOB: string = `
-- The bulk operation that does it, which counts what comes back.
local operating = ''
local function send_job(j, name, cause, ending)
  local from, seq, p = j.q, j.seq, j.q.p
  leave(j)
  for key, value in pairs(ending) do j[key] = value end
  local move, stays = S(next_number('move')), j.fresh and '' or moving_of(j)
  local t, g = p .. 't' .. S(seq), p .. 'g' .. S(seq)
  local fixed = sub(j.fixed, 1, 6) .. char(0) .. sub(j.fixed, 8)
  local job = { j.id, S(seq), fixed, stays, rare_of(j), call('LRANGE', t, 0, -1), call('LRANGE', g, 0, -1), cause, S(now), move,
    from.name, S(j.rank), operating }
  drop(j)
  call('DEL', t, g)
  bump(from, 't:removed', 1)
  local ref = move .. ':' .. S(j.settled_token) .. ':' .. S(j.token) .. ':' .. name .. ' '
  call('HSET', P .. 'mv', j.id, (call('HGET', P .. 'mv', j.id) or '') .. ref)
  send(name, 'move', cmsgpack.pack(job))
  jobs[seq] = nil
  j.gone, j.state = true, 'waiting'
  hint(from.name, 'ended')
end
`;

/** What a delivered job becomes, here or, when its id is taken here, at its source again. */
export const ACCEPT: string = `
local function write_parts(j, moving, m)
  call('HSET', fixed_key(j), j.seq % BUCKET, j.fixed)
  if moving then call('HSET', moving_key(j), j.seq % BUCKET, moving) end
  call('ZADD', j.q.p .. 'b', floor(j.seq / BUCKET), floor(j.seq / BUCKET))
  call('HSET', j.q.p .. 'i', j.id, j.seq)
  for kind, list in pairs({ t = m[6], g = m[7] }) do
    if #list > 0 then call('RPUSH', j.q.p .. kind .. S(j.seq), unpack(list)) end
  end
end

local function accept(m)
  local id, cause, rare, q = m[1], m[8], m[5], queue_of(CELL)
  if find_job(q, id) then return 'duplicate' end
  local j = job_of(q, next_number('seq'), m[3], m[4] ~= '' and m[4] or nil)
  j.rank = tonumber(m[12])
  write_parts(j, nil, m)
  if j.has_origin then left_origin(rare[5], id, j.move_number) end
  keep_derived(j)
  j.has_reason = false
  for key, value in pairs(fresh_start(j)) do j[key] = value end
  j.listed, j.has_origin, j.move_number = false, true, tonumber(m[10])
  if cause ~= 'redrive' then
    if rare[1] then set_extra(j, 'r', rare[1]) end
    if rare[2] then set_extra(j, 'p', rare[2]) end
  end
  if rare[3] then set_extra(j, 'e', rare[3]) end
  set_extra(j, 'o', cause .. ' ' .. m[9] .. ' ' .. m[11])
  enter(j)
  save(j)
  tell_moved(j)
  bump(q, 't:added', 1)
  tell(q, cause == 'redrive' and 'waiting' or 'added', j.id, j.name)
  return 'ok'
end

local function take_in_again(m, payload)
  local q, moving = queue_of(CELL), m[4] ~= '' and m[4] or nil
  forget_moved(m[1], m[10])
  local operation = P .. 'op:' .. m[13]
  if m[13] ~= '' and call('EXISTS', operation) == 1 then
    call('HINCRBY', operation, 'done', -1)
    call('HINCRBY', operation, 'skipped', 1)
  end
  if find_job(q, m[1]) then return call('XADD', P .. 'un', S(next_token()) .. '-0', 'p', payload) end
  local j = job_of(q, tonumber(m[2]), m[3], moving)
  write_parts(j, moving, m)
  for index, field in ipairs({ 'r', 'p', 'e', 'c', 'o' }) do if m[5][index] then set_extra(j, field, m[5][index]) end end
  enter(j)
  bump(q, 't:removed', -1)
  tell_moved(j)
  if m[8] ~= 'redrive' and kept_for_no_time(q, j.state, own_keep(j, j.state)) then remove(j) end
end
`;

const ONCE = `
local from, seq, change, kind = arg(), arg(), num(), arg()
local last, outcome = string.match(call('HGET', P .. 'in', from) or '', '^(%d+) (%S+)$')
local is_new = not last or tonumber(seq) > tonumber(last)
if not is_new and seq ~= last then outcome = 'ok' end
if is_new then
  outcome = 'ok'
  if change > number_of('change') then set_number('change', change) end
  -- The number is a token of the source: those given here are higher than any that the job had there.
  if tonumber(seq) > number_of('token') then set_number('token', tonumber(seq)) end
end
`;

/** ARGV: source, number, its latest change, kind, payload. Says the outcome, the same one however often it is asked. */
export const DELIVER: string = `
${ONCE}
if is_new then
  local m = cmsgpack.unpack(arg())
  if kind == 'move' then outcome = accept(m) else forget_moved(m[1], m[2]) end
  call('HSET', P .. 'in', from, seq .. ' ' .. outcome)
end
say(outcome)
flush()
say(hints_out())
return out
`;

/** The same for effects: what follows is as for \`apply\`, with a request id. */
export const DELIVER_EFFECTS: string = `
${ONCE}
say(outcome)
if is_new then
  call('HSET', P .. 'in', from, seq .. ' ok')
  local id, shape = arg(), arg()
  if not answered_request(id) then
    for _ = 1, num() do EFFECT[arg()]() end
    remember_request(id, shape)
    audit_rows()
  end
end
flush()
say(hints_out())
return out
`;

/** ARGV: number, outcome. The entry goes in the step in which a job that was refused comes back. */
export const DELIVERED: string = `
local seq, outcome = arg(), arg()
local entry = call('XRANGE', P .. 'ob', seq .. '-0', seq .. '-0')[1]
if entry then
  if outcome == 'duplicate' then take_in_again(cmsgpack.unpack(entry[2][8]), entry[2][8]) end
  call('XDEL', P .. 'ob', seq .. '-0')
  if call('XLEN', P .. 'ob') == 0 then call('DEL', P .. 'ob') end
end
flush()
say(hints_out())
return out
`;
