-- ARGV: prefix, first rank, number of tasks. One part of a reading of the server: the parts need not be of one moment,
-- since each task has a version of its own and the first part's seq says from where on events are to be applied.
-- Returns meta (epoch, seq, meta_seq, wanted, campaign, finished_ts), then a list a task: id, info, seq, progress, LIFE.
local LIFE = {'status', 'priority', 'order', 'run', 'attempt', 'deaths', 'worker', 'token', 'queued_ts', 'started_ts',
  'claimed_ts', 'finished_ts', 'ready_ts', 'paused_by', 'want', 'error'}
local m = call('hmget', META, 'epoch', 'seq', 'meta_seq', 'wanted', 'campaign', 'finished_ts')
local from, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local out = {{m[1] or '0', m[2] or '0', m[3] or '0', m[4] or 'running', m[5] or 'null', m[6] or '0'}, LIFE}
for _, id in ipairs(call('zrange', CQ .. 'tasks', from, from + limit - 1)) do
  local t = call('hmget', TASK .. id, 'info', 'seq', 'progress', unpack(LIFE))
  out[#out + 1] = {id, unpack(t)}
end
return out
