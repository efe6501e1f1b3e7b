-- ARGV: prefix, id, token, to ('paused', 'queued' or 'cancelled'), paused by ('user' or 'campaign'), the report as of the
-- newest checkpoint (JSON object or '')
-- The worker gives the task back. What is wanted now counts: a pause may have been taken back, a cancel asked meanwhile.
allow_full_server()
local id, token, to, by = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local t = read(id)
if not holder(t, token) then
  return 0
end
if ARGV[6] ~= '' then
  call('hset', TASK .. id, 'saved', dated(ARGV[6]))
end
if t.want ~= '' then -- done now: who asked for it is still who it is by
  BY = t.by
end
if t.want == 'cancel' then
  to = 'cancelled'
elseif t.want == 'pause' then
  to, by = 'paused', 'user'
elseif to == 'paused' then
  if WANTED == 'paused' then
    by = 'campaign'
  else
    to = 'queued'
  end
end
if to == 'cancelled' then
  call_off(id, {}, t)
elseif to == 'paused' then
  move(id, to, {paused_by = by}, false, t)
else
  move(id, 'queued', {}, false, t)
end
return 1
