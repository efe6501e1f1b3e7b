-- ARGV: prefix, cursor to go on from, entries to look at. By cursor, not by rank: what is removed or moved meanwhile
-- hides no other entry. Returns how many were out of line, the next cursor ('0': through), whether a count of the index
-- differs from the queue's, and the priorities at which it does, for `level`.
allow_full_server()

-- A key that was overwritten by hand with another type is kept under another name. Returns whether it was.
local function set_aside(name, wanted)
  local kind = call('type', P .. name).ok
  if kind ~= wanted and kind ~= 'none' then
    local aside = name .. '.' .. NOW
    call('rename', P .. name, P .. aside)
    notice('error', name .. ' was overwritten by a ' .. kind .. '; it is kept as ' .. aside)
    return true
  end
end

set_aside('active_workers', 'set') -- whoever reports is in it again
local told = set_aside('training_queue', 'zset')
if call('exists', QUEUE) == 0 then
  restore_queue(told)
end
local page = call('zscan', QUEUE, ARGV[2], 'COUNT', ARGV[3])
for i = 1, #page[2], 2 do
  fix(page[2][i], page[2][i + 1])
end
tell()
local out, indexed = {fixed, page[1], 0}, 0
for _, p in ipairs(call('zrange', LEVELS, 0, -1)) do
  local count = call('zcard', ORDER .. p)
  indexed = indexed + count
  if differs(p) then
    out[#out + 1] = p
  elseif count == 0 then
    call('zrem', LEVELS, p)
  end
end
if #out > 3 or indexed ~= call('zcard', QUEUE) then
  out[3] = 1
end
return out
