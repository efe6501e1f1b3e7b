-- ARGV: prefix, id, token, reason, deaths allowed, seconds until the retry ('' or 0: at once)
-- The worker died with the task, or its lease ran out. Only deaths alone count towards the end of a task: members of a
-- pack come back one by one first, so that one does not take its mates with it.
allow_full_server()
local id, token, reason, allowed, retry_s = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local t = call('hmget', TASK .. id, 'status', 'token', 'members', 'deaths', 'deaths_alone', 'want')
if t[1] ~= 'running' or t[2] ~= token then
  local lease = call('hget', LEASES, id)
  if t[1] ~= 'running' and lease and string.match(lease, '^[^|]*') == token then
    call('hdel', LEASES, id)
  end
  return 0
end
local alone = tonumber(t[5]) or 0
if (tonumber(t[3]) or 1) == 1 then
  alone = alone + 1
end
local fields = {error = reason, deaths = (tonumber(t[4]) or 0) + 1, deaths_alone = alone, solo = '1'}
if t[6] == 'cancel' then
  call_off(id, fields)
elseif alone >= allowed then
  fields.finished_ts = NOW
  move(id, 'dead', fields)
elseif t[6] == 'pause' then
  fields.paused_by = 'user'
  move(id, 'paused', fields)
elseif retry_s and retry_s > 0 then
  fields.ready_ts = string.format('%.6f', tonumber(NOW) + retry_s)
  fields.delay_s = retry_s
  move(id, 'delayed', fields)
else
  move(id, 'queued', fields)
end
return 1
