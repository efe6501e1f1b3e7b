-- ARGV: prefix, worker, instance, data (JSON object), then (id, token, progress JSON or '') for each task held.
-- Extends the leases, stores the progress, tells it in one message. Returns registration, wanted, the number of workers,
-- (directive)...; the registration is ok, leave:<why>, fenced or unknown. A directive ends with '+' where somebody looks at
-- the task, as far as there are so many workers that it matters.
allow_full_server()
local worker, instance = ARGV[2], ARGV[3]
local MANY = 50 -- as MANY_WORKERS in cqltui/state/live.py
local workers = redis.pcall('scard', P .. 'active_workers')
workers = type(workers) == 'number' and workers or 0 -- else overwritten by hand, which the supervisor notices
local w = call('hmget', WORKER .. worker, 'instance', 'since', 'leave')
local known, leave = w[1], w[3]
if known ~= instance then
  local out = {known and 'fenced' or 'unknown', WANTED, workers}
  for _ = 5, #ARGV, 3 do
    out[#out + 1] = 'lost'
  end
  return out
end

local function directive(want)
  if want == 'cancel' or (want == 'pause' and WANTED ~= 'stopped') then
    return want
  elseif WANTED == 'stopped' or leave then
    return 'stop'
  elseif WANTED == 'paused' then
    return 'pause'
  end
  return 'ok'
end

-- Whether somebody looks at the task, and is to see its curve.
local function looked_at(id)
  local until_ts = workers > MANY and call('zscore', LOOKED, id)
  return until_ts and tonumber(until_ts) > tonumber(NOW)
end

local out, members, tasks = {leave and 'leave:' .. leave or 'ok', WANTED, workers}, {}, {}
for i = 5, #ARGV, 3 do
  local id, token, progress = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local t = read(id)
  if holder(t, token) == worker then
    local beat = tonumber(string.match(call('hget', LEASES, id) or '', '|(%d+)|')) or 0
    call('hset', LEASES, id, token .. '|' .. (beat + 1) .. '|' .. worker)
    if progress ~= '' then
      call('hset', TASK .. id, 'progress', dated(progress))
      members[#members + 1] = progress
    end
    tasks[#tasks + 1] = '"' .. id .. '"'
    out[#out + 1] = directive(t.want) .. (looked_at(id) and '+' or '')
  else
    out[#out + 1] = 'lost'
  end
end
local data = since(w[2] or 0, call('hincrby', WORKER .. worker, 'reports', 1), ARGV[4])
local head = '{"tasks":[' .. table.concat(tasks, ',') .. ']'
local rest = ',' .. string.sub(data, 2)
call('hset', WORKER .. worker, 'data', head .. rest, 'ts', NOW)
call('sadd', P .. 'active_workers', worker) -- it may have been taken out by hand
send(0, 'progress', '', worker, '', 0, head .. ',"members":[' .. table.concat(members, ',') .. ']' .. rest)
return out
