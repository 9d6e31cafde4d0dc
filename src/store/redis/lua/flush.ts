/** The last of every script that writes: what was summed up is written once. */

export const FLUSH: string = `
local function flush()
  for _, q in ipairs(touched) do
    if q.n then
      for field, by in pairs(q.d) do
        if by ~= 0 then call('HINCRBY', q.k, field, by) end
      end
      write_stats(q)
    end
    q.d = {}
    q.touched = nil
  end
  touched = {}
  numbers_out()
end
`;
