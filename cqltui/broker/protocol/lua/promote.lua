-- ARGV: prefix, id ('' for all that are due). Delayed tasks back into the queue. Returns how many.
allow_full_server()
if ARGV[2] ~= '' then
  if field(ARGV[2], 'status') ~= 'delayed' then
    return 0
  end
  move(ARGV[2], 'queued', {})
  return 1
end
local due, count = call('zrangebyscore', DELAYED, '-inf', NOW, 'LIMIT', 0, 100), 0
for _, id in ipairs(due) do
  if field(id, 'status') == 'delayed' then
    move(id, 'queued', {})
    count = count + 1
  else
    call('zrem', DELAYED, id)
  end
end
-- The clock was set back: nothing waits longer than its own delay.
local late = call('zrevrange', DELAYED, 0, 9, 'WITHSCORES')
for i = 1, #late, 2 do
  local delay_s = tonumber(field(late[i], 'delay_s')) or 0
  if field(late[i], 'status') ~= 'delayed' then
    call('zrem', DELAYED, late[i])
  elseif tonumber(late[i + 1]) > tonumber(NOW) + delay_s + 1 then
    local ready_ts = string.format('%.6f', tonumber(NOW) + delay_s)
    call('zadd', DELAYED, ready_ts, late[i])
    change(late[i], 'task.delayed', {ready_ts = ready_ts})
  end
end
return count
