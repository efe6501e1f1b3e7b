-- ARGV: prefix, id, token, to ('paused', 'queued' or 'cancelled'), paused by ('user' or 'campaign')
-- The worker gives the task back. What is wanted now counts: a pause may have been taken back, a cancel asked meanwhile.
allow_full_server()
local id, token, to, by = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if not holder(id, token) then
  return 0
end
local want = field(id, 'want')
if want == 'cancel' then
  to = 'cancelled'
elseif want == 'pause' then
  to, by = 'paused', 'user'
elseif to == 'paused' then
  if (call('hget', META, 'wanted') or 'running') == 'paused' then
    by = 'campaign'
  else
    to = 'queued'
  end
end
if to == 'cancelled' then
  move(id, to, {finished_ts = NOW})
elseif to == 'paused' then
  move(id, to, {paused_by = by})
else
  move(id, 'queued', {})
end
return 1
