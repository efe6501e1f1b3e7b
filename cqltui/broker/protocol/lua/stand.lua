-- ARGV: prefix, cursor, number of tasks. How a campaign stands, a part of its tasks at a time (by cursor, as in
-- snapshot.lua). Changes nothing. Returns the meta data (wanted, campaign, finished_ts, supervised_ts, expected_ts, weight,
-- the server's time, workers that spoke lately), the next cursor ('0': through), then status, tasks of it, ...
local LIVE_S, MOST_WORKERS = 30, 10000 -- the former as in cqltui/state/live.py
local about, live = {}, 0
if ARGV[2] == '0' then
  local m = call('hmget', META, 'wanted', 'campaign', 'finished_ts', 'supervised_ts', 'expected_ts', 'weight')
  for i, id in ipairs(call('smembers', P .. 'active_workers')) do
    local ts = i <= MOST_WORKERS and tonumber(call('hget', WORKER .. id, 'ts'))
    if ts and tonumber(NOW) - ts <= LIVE_S then
      live = live + 1
    end
  end
  about = {m[1] or 'running', m[2] or '', m[3] or '0', m[4] or '', m[5] or '', m[6] or '', NOW, live}
end
local page, counts, out = call('zscan', TASKS, ARGV[2], 'COUNT', ARGV[3]), {}, {}
for i = 1, #page[2], 2 do
  local status = standing(page[2][i])
  if status then
    counts[status] = (counts[status] or 0) + 1
  end
end
for status, count in pairs(counts) do
  out[#out + 1], out[#out + 2] = status, count
end
return {about, page[1], out}
