-- ARGV: prefix, event kind, field ('wanted', 'campaign' or 'finished_ts'), value. What is true of the whole run.
-- A campaign that goes on brings back what its pause had paused.
allow_full_server()
local kind, name, value = ARGV[2], ARGV[3], ARGV[4]
local before = call('hget', META, name)
if before == value then
  return 0
end
local seq = next_seq()
call('hset', META, name, value, 'meta_seq', seq)
local m = call('hmget', META, 'wanted', 'campaign', 'finished_ts')
send(seq, kind, '', '', '', 0, '{"wanted":"' .. (m[1] or 'running') .. '","campaign":' .. (m[2] or 'null')
  .. ',"finished_ts":' .. (m[3] or '0') .. '}')
if name == 'wanted' and value == 'running' then
  for _, id in ipairs(call('smembers', PAUSED)) do
    if field(id, 'status') == 'paused' and field(id, 'paused_by') == 'campaign' then
      move(id, 'queued', {})
    end
  end
end
return 1
