-- ARGV: prefix, event kind, field ('wanted', 'campaign', 'finished_ts' or 'asked_workers'), value, who asks ('' for the
-- supervisor), what the field must be now ('' for whatever it is). What is true of the whole run.
-- Returns 1, 0 if it is so already, -1 if it is something else than it must be.
-- A campaign that goes on brings back what its pause had paused.
allow_full_server()
local kind, name, value, by, expected = ARGV[2], ARGV[3], ARGV[4], plain(ARGV[5]), ARGV[6]
local UNSET = {wanted = 'running', asked_workers = '0'}
local before = call('hget', META, name)
if expected ~= '' and (before or UNSET[name]) ~= expected then
  return -1
elseif before == value then
  return 0
end
local seq = next_seq()
call('hset', META, name, value, 'meta_seq', seq)
if UNSET[name] then
  call('hset', META, name .. '_by', by)
end
local m = call('hmget', META, 'wanted', 'campaign', 'finished_ts', 'wanted_by', 'asked_workers', 'asked_workers_by')
send(seq, kind, '', '', '', 0, '{"wanted":"' .. (m[1] or 'running') .. '","campaign":' .. (m[2] or 'null')
  .. ',"finished_ts":' .. (m[3] or '0') .. ',"wanted_by":' .. cjson.encode(m[4] or '') .. ',"asked_workers":'
  .. num(m[5] or '0') .. ',"asked_workers_by":' .. cjson.encode(m[6] or '') .. '}')
if name == 'wanted' and value == 'running' then
  BY = by
  for _, id in ipairs(call('smembers', PAUSED)) do
    if field(id, 'status') == 'paused' and field(id, 'paused_by') == 'campaign' then
      move(id, 'queued', {})
    end
  end
end
return 1
