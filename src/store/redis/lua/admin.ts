/** Queues as a whole: settings, emptying, deleting. */

export const CONFIGURE = `
local function save_settings(q, text)
  set_settings(q, text)
  call('HSET', q.k, 's', text)
end

-- values: one for each place of the settings' text, '' for what stays.
local function configure(name, values)
  local q = queue_of(name)
  if values[12] == 'on' and not q.rec then start_recording(q) end
  local was = q.paused
  local changed = false
  for i, value in ipairs(values) do
    if value ~= '' and value ~= q.v[i] then
      q.v[i] = value
      changed = true
    end
  end
  if changed then save_settings(q, table.concat(q.v, '|')) end
  hint(name, 'settings')
  if q.paused == was then return q end
  tell(q, was and 'resumed' or 'paused', '', '')
  if was then hint(name, 'ready') end
  return q
end

local PAUSE = { '1', '', '', '', '', '', '', '', '', '', '', '' }
`;
