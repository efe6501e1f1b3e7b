-- ARGV: prefix, rank to go on from, entries to look at. Returns how many were out of line, the next rank (0: through),
-- and whether a count of the index differs from the queue's.
allow_full_server()
local from, limit = tonumber(ARGV[2]), tonumber(ARGV[3])

-- A key that was overwritten by hand with another type is kept under another name. Returns whether it was.
local function set_aside(name, wanted)
  local kind = call('type', P .. name).ok
  if kind == wanted or kind == 'none' then
    return false
  end
  local aside = name .. '.' .. NOW
  call('rename', P .. name, P .. aside)
  notice('error', name .. ' was overwritten by a ' .. kind .. '; it is kept as ' .. aside)
  return true
end

set_aside('active_workers', 'set') -- whoever reports is in it again
if set_aside('training_queue', 'zset') then
  for _, p in ipairs(call('zrange', LEVELS, 0, -1)) do
    for _, id in ipairs(call('zrange', ORDER .. p, 0, -1)) do
      call('zadd', QUEUE, p, id)
    end
  end
end
for _, p in ipairs(call('zrange', LEVELS, 0, -1)) do
  align_level(p, limit)
  if call('zcard', ORDER .. p) == 0 then
    call('zrem', LEVELS, p)
    leveled[p] = nil
  end
end
local found = call('zrange', QUEUE, from, from + limit - 1, 'WITHSCORES')
for i = 1, #found, 2 do
  fix(found[i], found[i + 1])
end
tell()
local indexed, differs = 0, false
for _, p in ipairs(call('zrange', LEVELS, 0, -1)) do
  local count = call('zcard', ORDER .. p)
  indexed = indexed + count
  differs = differs or count ~= call('zcount', QUEUE, p, p)
end
differs = differs or indexed ~= call('zcard', QUEUE)
local next_rank = #found == 2 * limit and from + limit or 0
return {fixed, next_rank, differs and 1 or 0}
