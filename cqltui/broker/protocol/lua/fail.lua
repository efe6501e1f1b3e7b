-- ARGV: prefix, id, token, error, seconds until the retry ('' for none). The training itself failed.
allow_full_server()
local id, token, err, retry_s = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local t = read(id)
if not holder(t, token) then
  return 0
end
if t.want == 'cancel' then
  call_off(id, {error = err}, t)
elseif retry_s then
  move(id, 'delayed', {ready_ts = string.format('%.6f', tonumber(NOW) + retry_s), delay_s = retry_s, error = err},
    false, t)
else
  move(id, 'dead', {finished_ts = NOW, error = err}, false, t)
end
return 1
