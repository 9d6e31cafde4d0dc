const MARK = `
local MARK_MS, ME = 60000, ARGV[2]
local function mark_of(text)
  if not text then return nil end
  local till, who = string.match(text, '^(%d+) (.*)$')
  if not till or tonumber(till) <= now then return nil end
  return who
end
local function want(q, field)
  local who = mark_of(q[field])
  local text = S(now + MARK_MS) .. ' ' .. ((who == nil or who == ME) and ME or '*')
  q[field] = text
  call('HSET', q.k, field, text)
end
`;

/**
 * News. `hint(queue, news)` collects them; `hints_out()` publishes what somebody outside wants to know, and answers all
 * of them as a flat list, for the watchers of the process that called. `idle(q, flag, found)` is said by a claim, and
 * `AWAIT` marks queues whose ends somebody awaits.
 *
 * A mark is `until me` in a field of the queue's hash: `wr` for jobs that are ready, `we` for jobs that ended. Of several
 * processes that want the same `me` is `*`. It is forgotten by its time, so that a process that is gone costs little.
 */
export const HINT: string = `
${MARK}
local hint_list = {}
local hint_known = {}
local function hint(queue, news)
  local key = queue .. ' ' .. news
  if hint_known[key] then return end
  hint_known[key] = true
  hint_list[#hint_list + 1] = queue
  hint_list[#hint_list + 1] = news
end
local function is_wanted(queue, news)
  if news ~= 'ready' and news ~= 'ended' then return true end
  local q = queue_at(queue)
  if not q then return false end
  -- Whoever waited for a queue that was not there yet could leave no mark.
  if q.fresh then return true end
  local who = mark_of(news == 'ready' and q.wr or q.we)
  return who ~= nil and who ~= ME
end
local function hints_out()
  local told = {}
  for i = 1, #hint_list, 2 do
    if is_wanted(hint_list[i], hint_list[i + 1]) then
      told[#told + 1] = hint_list[i]
      told[#told + 1] = hint_list[i + 1]
    end
  end
  -- Queues that spread have one channel.
  if #told > 0 then
    call('PUBLISH', (string.gsub(P, '^({[%w._-]+)/.*$', '%1}:')) .. 'news', ME .. ' ' .. table.concat(told, ' '))
  end
  if sent then
    hint_list[#hint_list + 1] = ''
    hint_list[#hint_list + 1] = 'outbox'
  end
  return hint_list
end
local function idle(q, flag, found)
  if flag == '1' then
    if not found then want(q, 'wr') end
  elseif flag == '2' and found and mark_of(q.wr) == ME then
    q.wr = false
    call('HDEL', q.k, 'wr')
  end
end
`;

/** Somebody in this process awaits ends of the queues that it is given. */
export const AWAIT: string = `
${MARK}
for i = 3, #ARGV do
  local k = P .. 'q:' .. ARGV[i]
  local known = call('HMGET', k, 'n', 'we')
  if known[1] then want({ k = k, we = known[2] }, 'we') end
end
return { {} }
`;
