-- Tasks that wait as they were submitted, put before the common parts. Of very many (submit.lua) none has a hash of its own
-- before something happens to it, but two texts in hashes of all: a row, which readers are told as it is (snapshot.py), and
-- the rest: digest, cost and pack, a line each, and the spec.
local ROWS, RESTS, OF_TASK = ARGV[1] .. 'cq:untouched', ARGV[1] .. 'cq:untouched:rest', ARGV[1] .. 'cq:task:'

-- What a row says of the task: seq, submission number, queued_ts, priority, form and its own values; nothing for no row.
local function parted(row)
  return string.match(row, '^%["[^"]*",(%d+),(%d+),([%d.]+),(%d+),"(%x+)",%[(.*)%]%]$')
end

-- Status and priority of a task, which stays untouched if it is.
local function standing(id)
  local v = redis.call('hmget', OF_TASK .. id, 'status', 'priority')
  if not v[1] then
    local _, _, _, priority = parted(redis.call('hget', ROWS, id) or '')
    if priority then
      return 'queued', priority
    end
  end
  return v[1], v[2]
end

-- An untouched task, with the names of its hash's fields; nothing for any other, and for one of which a part was lost.
local function as_submitted(id)
  local row = redis.call('hget', ROWS, id)
  local rest = row and redis.call('hget', RESTS, id)
  if not rest then
    return nil
  end
  local seq, order, queued_ts, priority, form, own = parted(row)
  local digest, cost, pack, spec = string.match(rest, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$')
  return seq and digest and {digest = digest, info = '{"form":"' .. form .. '","put":[' .. own .. ']}', spec = spec,
    pack = pack, cost = cost, file_priority = priority, priority = priority, order = order, run = '1', attempt = '0',
    deaths = '0', status = 'queued', ready_ts = '0', queued_ts = queued_ts, seq = seq}
end

-- What the untouched ones of these tasks, a few thousand at most, cost, as stored, by their places; false for any other.
local function costs_as_submitted(ids)
  local costs = #ids > 0 and redis.call('hmget', RESTS, unpack(ids)) or {}
  for i, rest in ipairs(costs) do
    costs[i] = rest and string.match(rest, '^[^\n]*\n([^\n]*)\n') or false
  end
  return costs
end

-- Makes an untouched task's own hash. Returns whether it was one. One of which a part was lost is lost.
local function touch(id)
  local t = as_submitted(id)
  if not t and not redis.call('hget', ROWS, id) and not redis.call('hget', RESTS, id) then
    return false -- without a write, after which a full server would not refuse the next one
  end
  redis.call('hdel', ROWS, id)
  redis.call('hdel', RESTS, id)
  if not t then
    return false
  end
  local flat = {}
  for name, value in pairs(t) do
    flat[#flat + 1], flat[#flat + 2] = name, value
  end
  redis.call('hset', OF_TASK .. id, unpack(flat))
  return true
end
