-- ARGV: prefix, worker, instance, nonce, limit, lowest priority ('' for any), memory for a pack in bytes ('' for any),
-- 'any' to go by the first task although the index has more or fewer than training_queue
-- Returns (id, token, run, attempt, spec, checkpoint_epoch, checkpoint_token, deaths, checkpoint_key) for each task, an
-- error status, or 0 where what is first is out of line with its index: `realign` is to be called, and this again.
allow_full_server()
local MOST = 1000 -- tasks of a pack, whoever asks: their costs are read at once
local worker, instance, nonce, lowest, budget = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[6]), tonumber(ARGV[7])
local limit = math.min(tonumber(ARGV[5]), MOST)
local EXACT, SAMPLE, PLACES = 500, 100, 10 -- of more than EXACT a sample is looked at, of a queue in so many places

local out = {}

-- A task with what its worker is told beside.
local function look(id)
  local t, spec, checkpoint_epoch, checkpoint_token, key =
    read(id, 'spec', 'checkpoint_epoch', 'checkpoint_token', 'checkpoint_key')
  t.spec, t.checkpoint_epoch, t.checkpoint_token = spec, checkpoint_epoch or '0', checkpoint_token or ''
  t.checkpoint_key = key or ''
  return t
end

-- Adds a task (t, as `look` gives it) to the answer.
local function hand_out(id, t)
  local n = #out
  out[n + 1], out[n + 2], out[n + 3], out[n + 4], out[n + 5] = id, t.token, t.run, tostring(t.attempt), whole(t.spec)
  out[n + 6], out[n + 7], out[n + 8] = t.checkpoint_epoch, t.checkpoint_token, t.deaths == '' and '0' or t.deaths
  out[n + 9] = t.checkpoint_key
end

-- The first task of the highest priority: its id, that priority, and what `look` gives; nothing if there is none, false
-- if it is out of line with the index.
local function first()
  local top = call('zrevrange', QUEUE, 0, 0, 'WITHSCORES')
  if #top == 0 then
    return nil
  end
  local p = priority_of(top[2])
  if p and lowest and tonumber(p) < lowest then
    return nil
  elseif not p or (ARGV[8] ~= 'any' and call('zcount', QUEUE, p, p) ~= call('zcard', ORDER .. p)) then
    return false
  end
  local head = call('zrange', ORDER .. p, 0, 0)[1]
  if not head then
    return false
  end
  local t = look(head)
  if not in_line(head, p, t.status, t.priority) then
    return false
  end
  return head, p, t
end

-- What a task costs, as stored, after so many epochs: FLOPs that are left, bytes of its own, bytes that a pack has once.
local function cost_after(done, stored)
  local flops, epochs, own, shared = string.match(stored or '', '^(%d+) (%d+) (%d+) (%d+)$')
  if not flops then
    return 0, 0, 0
  end
  return tonumber(flops) * math.max(0, tonumber(epochs) - done), tonumber(own), tonumber(shared)
end

-- The same of a task that is queued. `untouched`: what it costs, if it waits as it was submitted.
local function cost(id, untouched)
  if untouched then
    return cost_after(0, untouched)
  end
  local t = call('hmget', TASK .. id, 'cost', 'checkpoint_epoch')
  return cost_after(tonumber(t[2]) or 0, t[1])
end

-- The FLOPs that are left of a task that is running.
local function left_of(id)
  local t = call('hmget', TASK .. id, 'cost', 'checkpoint_epoch', 'token', 'progress')
  local done = tonumber(t[2]) or 0
  if t[3] and string.find(t[4] or '', '"token":"' .. t[3] .. '"', 1, true) then -- of this attempt
    done = math.max(done, tonumber(string.match(t[4], '"epoch":(%d+)')) or 0)
  end
  return (cost_after(done, t[1])) -- the first only
end

-- What the others still have to do: of all leases, or of a sample of so many that a look at all would hold the server up.
local function left_elsewhere()
  local count = redis.pcall('hlen', LEASES) -- an error: the server's user has only the rights that an earlier version needs
  local leases, looked_at, left = nil, 0, 0
  if type(count) == 'number' and count > EXACT then
    leases = redis.pcall('hrandfield', LEASES, SAMPLE, 'WITHVALUES')
  end
  if not leases or leases.err then
    leases = call('hgetall', LEASES)
    count = #leases / 2
  end
  for i = 1, #leases, 2 do
    looked_at = looked_at + 1
    if string.match(leases[i + 1], '([^|]*)$') ~= worker then
      left = left + left_of(leases[i])
    end
  end
  return left * count / math.max(1, looked_at) -- those not looked at are like the others
end

-- What is queued at this priority, as far as it is not more than `enough`: of all, or of a sample from all over the queue.
local function queued_at(p, enough)
  local count = call('zcard', ORDER .. p)
  local step, together, looked_at, queued = 100, 100, 0, 0
  if count > EXACT then
    step, together = math.floor(count / PLACES), SAMPLE / PLACES
  end
  for at = 0, count - 1, step do
    local ids = call('zrange', ORDER .. p, at, at + together - 1)
    local untouched = costs_as_submitted(ids)
    for i, id in ipairs(ids) do
      queued = queued + cost(id, untouched[i])
    end
    looked_at = looked_at + #ids
    if queued >= enough then -- it does not matter how much more it is
      break
    end
  end
  return queued * count / math.max(1, looked_at)
end

-- Half of all work goes to each of two workers, whoever asks first: the work that is queued at this priority and what
-- the others still have to do, over the workers wanted. It is summed up to `enough` only, above which it does not matter.
local function fair_share(p, workers, enough)
  local queued = queued_at(p, enough * workers)
  if queued >= enough * workers then
    return queued / workers
  end
  return (queued + left_elsewhere()) / workers
end

-- The ids to train together: the head (t, as it is) and its mates.
local function with_mates(head, p, t)
  local pack = t.pack
  if limit < 2 or pack == '' or t.solo == '1' then
    return {head}
  end
  local mates, work = {}, {}
  local first_work, first_own, shared = cost(head)
  local all, bytes = first_work, first_own + shared
  local near = call('zrange', PACK .. p .. ':' .. pack, 0, limit * 2)
  local untouched = costs_as_submitted(near)
  for i, id in ipairs(near) do
    if #mates + 1 == limit then
      break
    end
    if id ~= head and in_line(id, p, standing(id)) then
      local left, own = cost(id, untouched[i])
      bytes = bytes + own
      if budget and bytes > budget then
        break
      end
      mates[#mates + 1] = id
      work[#mates] = left
      all = all + left
    end
  end
  if #mates == 0 then
    return {head}
  end
  local workers = math.max(1, tonumber(call('hget', META, 'workers')) or 1, call('scard', P .. 'active_workers'))
  local share, taken, ids = fair_share(p, workers, all), first_work, {head}
  for i, id in ipairs(mates) do
    if taken + work[i] / 2 > share then -- nearer to the share without it
      break
    end
    ids[#ids + 1] = id
    taken = taken + work[i]
  end
  return ids
end

-- Whether a worker of this version may have tasks: if it is the supervisor's, or the supervisor has started it here, so
-- that any other would be of that version too. Else it is asked to leave.
local function fits(theirs, started_by)
  local ours = call('hget', META, 'program')
  if not theirs or not ours or theirs == ours or started_by == ours then
    return true
  end
  call('hset', WORKER .. worker, 'leave', 'worker ' .. worker .. ' is of cqltui ' .. plain(theirs)
    .. ', this supervisor of ' .. ours .. ': it leaves after its checkpoint')
  return false
end

local known = call('hmget', WORKER .. worker, 'instance', 'nonce', 'claimed', 'leave', 'program', 'started_by')
if not known[1] then
  return redis.error_reply('UNREGISTERED worker')
elseif known[1] ~= instance then
  return redis.error_reply('FENCED worker')
elseif nonce ~= '' and known[2] == nonce then
  local before = cjson.decode(known[3])
  for i = 1, #before, 2 do
    local t = look(before[i])
    if t.token == before[i + 1] and t.status == 'running' then
      hand_out(before[i], t)
    end
  end
  return out
elseif WANTED ~= 'running' or known[4] or not fits(known[5], known[6]) then
  return {}
end

local head, p, as_is = first()
if not head then
  return head == nil and {} or 0
end
local claimed, ids = {}, with_mates(head, p, as_is)
-- A counter never comes again, even if the server lost its last seconds of writes, and with them the count: it is at
-- least the time in microseconds.
local counter = math.max(LAST_TOKEN, clock[1] * 1000000 + clock[2] - 1)
for _, id in ipairs(ids) do
  local t = id == head and as_is or look(id)
  counter = counter + 1
  local token = EPOCH .. '-' .. string.format('%.0f', counter)
  local started_ts = t.started_ts
  if (tonumber(started_ts) or 0) == 0 then
    started_ts = NOW
  end
  leave(id, t)
  call('hset', LEASES, id, token .. '|0|' .. worker)
  change(id, 'task.claimed', {status = 'running', worker = worker, token = token, instance = instance,
    attempt = (tonumber(t.attempt) or 0) + 1, started_ts = started_ts, claimed_ts = NOW, members = #ids, want = ''},
    false, t)
  hand_out(id, t)
  claimed[#claimed + 1] = id
  claimed[#claimed + 1] = token
end
call('hset', META, 'token', string.format('%.0f', counter))
call('hset', WORKER .. worker, 'nonce', nonce, 'claimed', cjson.encode(claimed))
return out
