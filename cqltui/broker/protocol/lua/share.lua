-- ARGV: prefix, worker, seconds that its turn has taken so far, 'choose' (the turn is over, begin another) or 'beat',
-- seconds to a further list of namespaces, then namespaces that the worker cannot serve now. Shared workers take turns at
-- campaigns. Each campaign has a virtual time, its workers' seconds over its weight; who asks gets the one with work whose
-- virtual time is the least (start-time fair queueing). One that had no work comes in at the present, so that nobody saves
-- up turns. Returns the namespace ('-' if none has work), and 1 where the list of namespaces is to be made anew.
allow_full_server()
local SHARES, TURNS = CQ .. 'shares', CQ .. 'turns'
local GONE_S, FIRST_S, LEARNED, MOST_WEIGHT, MOST = 60, 1, 0.2, 1000, 1e15
local worker, took = ARGV[2], math.max(0, tonumber(ARGV[3]) or 0)

-- What a text says, if that can be reckoned with: no infinity and no NaN, by which a campaign would have all or nothing.
local function finite(text, default)
  local told = tonumber(type(text) == 'string' and text or '')
  return told and told > -MOST and told < MOST and told or default
end

local function number(key, default)
  return finite(call('hget', SHARES, key), default)
end

local function weight(name)
  return math.max(1, math.min(MOST_WEIGHT, finite(redis.pcall('hget', name .. 'cq:meta', 'weight'), 1)))
end

-- A campaign's virtual time goes on by what its worker took beyond what was reckoned with.
local function charge(name, seconds)
  call('hset', SHARES, 'time:' .. name, string.format('%.6f',
    number('time:' .. name, number('present', 0)) + seconds / weight(name)))
end

local function begin_turn(name, charged)
  call('hset', TURNS, worker, string.format('%.6f', charged) .. ' ' .. NOW .. ' ' .. name)
end

local charged, _, mine = string.match(call('hget', TURNS, worker) or '', '^(%S+) (%S+) (.*)$')
charged = finite(charged, took)
if ARGV[4] == 'beat' then
  if mine then
    charge(mine, math.max(0, took - charged))
    begin_turn(mine, math.max(took, charged))
  end
  return {'-', 0}
end
if mine then
  charge(mine, took - charged)
  local usual = number('usual:' .. mine, FIRST_S)
  call('hset', SHARES, 'usual:' .. mine, string.format('%.6f', usual + LEARNED * (took - usual)))
  call('hdel', TURNS, worker)
end

local skipped, busy = {}, {}
for i = 6, #ARGV do
  skipped[ARGV[i]] = true
end
local turns = call('hgetall', TURNS)
for i = 1, #turns, 2 do
  local ts, name = string.match(turns[i + 1], '^%S+ (%S+) (.*)$')
  if math.abs(tonumber(NOW) - finite(ts, 0)) > GONE_S then
    call('hdel', TURNS, turns[i]) -- its worker is gone
  else
    busy[name] = true
  end
end

-- Whether the campaign has work that may be claimed. One that cannot be read is no reason to serve nobody.
local function has_work(name)
  local queued = redis.pcall('zcard', name .. 'training_queue')
  local wanted = redis.pcall('hget', name .. 'cq:meta', 'wanted')
  return type(queued) == 'number' and queued > 0 and (wanted == false or wanted == 'running')
end

local tick, present, least, chosen = number('tick', 0) + 1, number('present', 0), nil, nil
call('hset', SHARES, 'tick', string.format('%d', tick))
for name in string.gmatch(call('hget', SHARES, 'names') or '', '[^\n]+') do
  name = name == '-' and '' or name
  local works = has_work(name)
  if works or busy[name] then
    local time = number('time:' .. name, present)
    if number('seen:' .. name, 0) ~= tick - 1 and time < present then
      time = present
      call('hset', SHARES, 'time:' .. name, string.format('%.6f', time))
    end
    call('hset', SHARES, 'seen:' .. name, tick)
    if works and not skipped[name] and (not least or time < least) then
      least, chosen = time, name
    end
  end
end
if chosen then
  local usual = number('usual:' .. chosen, FIRST_S)
  call('hset', SHARES, 'present', string.format('%.6f', math.max(present, least)))
  charge(chosen, usual)
  begin_turn(chosen, usual)
end
local stale = tonumber(NOW) - number('listed_ts', 0) > tonumber(ARGV[5])
if stale then -- one worker makes it for all
  call('hset', SHARES, 'listed_ts', NOW)
end
return {chosen or '-', stale and 1 or 0}
