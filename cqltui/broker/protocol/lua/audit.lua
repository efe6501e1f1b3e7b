-- ARGV: prefix, id... Tasks compared with the containers of their states, each of which may have been lost: deleted, or
-- evicted by a full server. What a task's own hash tells of is made again here.
-- Returns epoch, seq, how many places were made again, the ids whose hash is lost, those done whose result is lost, and
-- whether there are notices.
allow_full_server()
local RELISTED = 'list of tasks'
local lost, resultless, made, relisted, count = {}, {}, {}, false, 0

local function again(what, added)
  if added == 1 then
    made[what] = (made[what] or 0) + 1
    count = count + 1
  end
end

local containers = {}

function containers.queued(id, t)
  local p = t.priority
  if not call('zscore', ORDER .. p, id) then -- else one that training_queue lacks was taken out by hand, or all are lost
    if not call('zscore', QUEUE, id) then
      queue_add(id, p)
    end
    index_add(id, p, t)
    again('index', 1)
  elseif t.pack ~= '' and t.solo ~= '1' and not call('zscore', PACK .. p .. ':' .. t.pack, id) then
    index_add(id, p, t)
    again('packs', 1)
  end
  add_level(p)
end

function containers.running(id, t)
  again('leases', call('hsetnx', LEASES, id, t.token .. '|0|' .. t.worker))
end

function containers.delayed(id, t)
  again('delayed', call('zadd', DELAYED, 'NX', t.ready_ts, id))
end

function containers.paused(id)
  again('paused', call('sadd', PAUSED, id))
end

function containers.dead(id)
  again('dead', call('sadd', DEAD, id))
end

function containers.done(id, t)
  if call('hexists', RESULTS, id .. '/' .. t.run) == 0 then
    resultless[#resultless + 1] = id
  end
end

for i = 2, #ARGV do
  local id = ARGV[i]
  local v = call('hmget', TASK .. id, 'status', 'priority', 'order', 'pack', 'solo', 'run', 'token', 'worker', 'ready_ts')
  local t = not v[1] and as_submitted(id)
  if t then
    v = {t.status, t.priority, t.order, t.pack}
  end
  if not v[1] then
    lost[#lost + 1] = id
  else
    if call('zadd', TASKS, 'NX', v[3], id) == 1 then
      again(RELISTED, 1)
      relisted = true
    end
    if containers[v[1]] then
      containers[v[1]](id, {priority = v[2], order = v[3], pack = v[4] or '', solo = v[5], run = v[6], token = v[7],
        worker = v[8], ready_ts = v[9]})
    end
  end
end

if count > 0 then
  local parts = {}
  for what, entries in pairs(made) do
    parts[#parts + 1] = what .. ': ' .. entries
  end
  table.sort(parts)
  -- Who has read the tasks while some were not listed has to read them again.
  notice('warning', 'the server had lost a part of its data; made again: ' .. table.concat(parts, ', '), relisted)
end
local seq = call('hget', META, 'seq') or '0'
return {EPOCH, seq, count, lost, resultless, call('exists', CQ .. 'notices')}
