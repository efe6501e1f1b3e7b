-- ARGV: prefix, id, digest, info, spec, pack, cost, priority, status, run, attempt, finished_ts, error, token,
-- worker, result
-- A task that ended or was paused, taken from the run directory after the server's data was lost. Not queued.
allow_full_server()
local id, digest, info, spec, pack, cost, p, status, run, attempt = unpack(ARGV, 2, 11)
local finished_ts, err, token, worker, result = unpack(ARGV, 12, 16)
if field(id, 'status') then
  return 0
end
local order = call('hincrby', META, 'order', 1)
call('hset', TASK .. id, 'digest', digest, 'info', info, 'spec', spec, 'pack', pack, 'cost', cost, 'file_priority', p,
  'priority', p, 'order', order, 'deaths', 0)
call('zadd', CQ .. 'tasks', order, id)
if result ~= '' then
  call('hsetnx', RESULTS, id .. '/' .. run, result)
end
local fields = {run = run, attempt = attempt, finished_ts = finished_ts, error = err, token = token, worker = worker}
if status == 'done' then
  fields.done_token = token
elseif status == 'paused' then
  fields.paused_by = 'user'
end
move(id, status, fields, true)
return 1
