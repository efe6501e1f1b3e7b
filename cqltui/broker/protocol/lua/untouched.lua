-- Tasks that wait as they were submitted, put before the common parts. Of very many (submit.lua) each is a text in one
-- hash, a row, and gets a hash of its own once something happens to it. A row is what readers are told of the task (a
-- line of snapshot.lua), and behind an empty line the rest: digest, cost and pack, a line each, an empty line, the spec.
local ROWS, OF_TASK = ARGV[1] .. 'cq:untouched', ARGV[1] .. 'cq:task:'

-- What a row says of how the task stands: what readers are told, its submission number, priority, cost and pack; nothing
-- for what is no row.
local function parted(row)
  local order, priority = string.match(row, '^%["[^"]*",%d+,(%d+),[%d.]+,(%d+),"%x+",%[')
  local at = string.find(row, '\n\n', 1, true)
  if not order or not at then
    return nil
  end
  local digest, cost, pack, spec = string.match(row, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n\n(.*)$', at + 2)
  return digest and {status = 'queued', order = order, priority = priority, digest = digest, cost = cost, pack = pack,
    spec = spec, told = string.sub(row, 1, at - 1)}
end

-- An untouched task; nothing for any other.
local function as_submitted(id)
  local row = redis.call('hget', ROWS, id)
  return row and parted(row)
end

-- Makes an untouched task's own hash. Returns whether it was one. What is no row is one that was damaged: the task counts
-- as lost.
local function touch(id)
  local row = redis.call('hget', ROWS, id)
  if not row then
    return false
  end
  redis.call('hdel', ROWS, id)
  local t = parted(row)
  local seq, queued_ts, form, own =
    string.match(t and t.told or '', '^%["[^"]*",(%d+),%d+,([%d.]+),%d+,"(%x+)",%[(.*)%]%]$')
  if not seq then
    return false
  end
  redis.call('hset', OF_TASK .. id, 'digest', t.digest, 'info', '{"form":"' .. form .. '","put":[' .. own .. ']}', 'spec',
    t.spec, 'pack', t.pack, 'cost', t.cost, 'file_priority', t.priority, 'priority', t.priority, 'order', t.order, 'run',
    '1', 'attempt', '0', 'deaths', '0', 'status', 'queued', 'ready_ts', '0', 'queued_ts', queued_ts, 'seq', seq)
  return true
end

-- Status and priority of a task, which stays untouched if it is.
local function standing(id)
  local v = redis.call('hmget', OF_TASK .. id, 'status', 'priority')
  if not v[1] then
    local t = as_submitted(id)
    if t then
      return t.status, t.priority
    end
  end
  return v[1], v[2]
end
