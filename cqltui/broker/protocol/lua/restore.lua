-- ARGV: prefix, id, digest, info, spec, pack, cost, priority in the file, status, priority, run, attempt, finished_ts,
-- error, paused by, token, worker, result, started_ts, claimed_ts, report (JSON object or ''), what `new_run` has kept of
-- the run before, or '', then name and text of each form of info and spec
-- A task as the run directory knows it, after the server's data was lost. If it is known, only a lost result is put back.
allow_full_server()
local id, digest, info, spec, pack, cost, file_priority, status, p, run, attempt = unpack(ARGV, 2, 12)
local finished_ts, err, paused_by, token, worker, result = unpack(ARGV, 13, 18)
local started_ts, claimed_ts, report, kept = unpack(ARGV, 19, 22)
keep_forms(23, #ARGV)
if result ~= '' then
  call('hsetnx', RESULTS, id .. '/' .. run, result)
end
if field(id, 'status') then
  return 0
end
if report ~= '' then
  report = dated(report)
end
call('hdel', LEASES, id)
local order = call('zscore', TASKS, id) or call('hincrby', META, 'order', 1)
call('hset', TASK .. id, 'digest', digest, 'info', info, 'spec', spec, 'pack', pack, 'cost', cost, 'file_priority',
  file_priority, 'priority', p, 'order', order, 'deaths', 0, 'saved',
  status ~= 'done' and report or '', 'kept', kept, 'last_run', run)
call('zadd', TASKS, order, id)
local fields = {run = run, attempt = attempt, finished_ts = finished_ts, error = err, token = token, worker = worker,
  started_ts = started_ts, claimed_ts = claimed_ts, report = report}
if status == 'done' then
  fields.done_token = token
elseif status == 'paused' then
  fields.paused_by = paused_by
end
move(id, status, fields, true)
return 1
