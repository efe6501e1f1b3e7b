-- ARGV: prefix, epoch of the run directory, epoch to begin. Begins it unless the data's own is as new as the directory's.
-- Returns the epoch now. Tokens of an older epoch are refused from here on, so what ran goes back into the queue.
allow_full_server()
local on_disk, new = tonumber(ARGV[2]), ARGV[3]
local have = tonumber(call('hget', META, 'epoch') or nil)
if have and have >= on_disk then
  return have
end
call('hset', META, 'epoch', new) -- seq goes on: versions of tasks that the data still has stay below the next
EPOCH = new
for _, id in ipairs(call('hkeys', LEASES)) do
  call('hdel', LEASES, id)
  if field(id, 'status') == 'running' then
    move(id, 'queued', {})
  end
end
return tonumber(new)
