-- Put before every script. Keys are built from a prefix (ARGV[1]), not declared: Redis Cluster is not supported.
-- The server does not run two scripts at once, so each script is one step of the protocol.
local P = ARGV[1]
local QUEUE = P .. 'training_queue'
local CQ = P .. 'cq:'
local META, TASK, ORDER, PACK, LEVELS = CQ .. 'meta', CQ .. 'task:', CQ .. 'order:', CQ .. 'pack:', CQ .. 'levels'
local LEASES, DELAYED, PAUSED, DEAD = CQ .. 'leases', CQ .. 'delayed', CQ .. 'paused', CQ .. 'dead'
local WORKER, RESULTS, EVENTS = CQ .. 'worker:', CQ .. 'results', CQ .. 'events'
local EVENTS_KEPT, NOTICES_KEPT, REJECTED_KEPT = 10000, 100, 1000
local PRIORITY_MAX = 1000000
local call = redis.call

local clock = call('time')
local NOW = string.format('%d.%06d', tonumber(clock[1]), tonumber(clock[2]))
local EPOCH = call('hget', META, 'epoch') or '0'

-- What readers are told of a task: the fields of state.model.Lifecycle.
local LIFE = {'status', 'priority', 'order', 'run', 'attempt', 'deaths', 'worker', 'token', 'queued_ts', 'started_ts',
  'claimed_ts', 'finished_ts', 'ready_ts', 'paused_by', 'want', 'error'}
local KIND = {queued = 'task.queued', running = 'task.claimed', delayed = 'task.delayed', paused = 'task.paused',
  done = 'task.done', dead = 'task.dead', cancelled = 'task.cancelled', withdrawn = 'task.withdrawn'}

-- At maxmemory a server refuses a script whose first write could allocate, and lets one go on that has written.
-- A delete is never refused, so every script that must work on a full server begins with this.
local function allow_full_server()
  call('del', CQ .. 'none')
end

local function field(id, name)
  return call('hget', TASK .. id, name)
end

-- Into the stream and to all listeners. The stream's own ids are <epoch>-<seq>, so a reader finds its place at once.
local function send(seq, kind, id, worker, token, attempt, data)
  local message = '{"v":1,"epoch":' .. EPOCH .. ',"seq":' .. seq .. ',"ts":' .. NOW .. ',"kind":"' .. kind
    .. '","task":"' .. id .. '","worker":"' .. worker .. '","token":"' .. token .. '","attempt":' .. attempt
    .. ',"data":' .. data .. '}'
  if seq ~= 0 then
    local place = EPOCH .. '-' .. seq
    local added = redis.pcall('xadd', EVENTS, 'MAXLEN', '~', EVENTS_KEPT, place, 'e', message)
    if type(added) == 'table' and added.err then -- a key of another type, or places that are ahead of the meta data
      call('del', EVENTS)
      call('xadd', EVENTS, place, 'e', message)
    end
  end
  call('publish', EVENTS, message)
  return message
end

local function next_seq()
  return call('hincrby', META, 'seq', 1)
end

-- Text that may hold anything, as printable ASCII of bounded length.
local function plain(text)
  return (string.gsub(string.sub(text, 1, 100), '[^\32-\126]', '?'))
end

local function notice(level, text)
  local data = cjson.encode({level = level, text = text})
  local message = send(next_seq(), 'notice', '', '', '', 0, data)
  call('lpush', CQ .. 'notices', message)
  call('ltrim', CQ .. 'notices', 0, NOTICES_KEPT - 1)
end

-- Stores fields (name -> value) of a task and tells what it is then.
local function change(id, kind, fields, with_info)
  local seq = next_seq()
  local flat = {'seq', seq}
  for name, value in pairs(fields) do
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  call('hset', TASK .. id, unpack(flat))
  local values, data = call('hmget', TASK .. id, unpack(LIFE)), {}
  for i, name in ipairs(LIFE) do
    data[name] = values[i] or nil
  end
  local json = cjson.encode(data)
  if with_info then
    json = '{"info":' .. (field(id, 'info') or 'null') .. ',' .. string.sub(json, 2)
  end
  send(seq, kind, id, data.worker or '', data.token or '', tonumber(data.attempt) or 0, json)
end

-- A priority is a whole number from 0 to PRIORITY_MAX; nil for anything else that a score can be.
local function priority_of(score)
  local p = tonumber(score)
  if p and p >= 0 and p <= PRIORITY_MAX and p == math.floor(p) then
    return string.format('%d', p)
  end
  return nil
end

-- The index beside training_queue: per priority the ids by submission number, and the same per pack.
local function index_add(id, p)
  local t = call('hmget', TASK .. id, 'order', 'pack', 'solo')
  call('zadd', LEVELS, p, p)
  call('zadd', ORDER .. p, t[1], id)
  if t[2] and t[2] ~= '' and t[3] ~= '1' then
    call('zadd', PACK .. p .. ':' .. t[2], t[1], id)
  end
end

local function index_remove(id, p)
  call('zrem', ORDER .. p, id)
  local pack = field(id, 'pack')
  if pack and pack ~= '' then
    call('zrem', PACK .. p .. ':' .. pack, id)
  end
end

local function leave(id, status)
  if status == 'queued' then
    call('zrem', QUEUE, id)
    index_remove(id, field(id, 'priority'))
  elseif status == 'running' then
    call('hdel', LEASES, id)
  elseif status == 'delayed' then
    call('zrem', DELAYED, id)
  elseif status == 'paused' then
    call('srem', PAUSED, id)
  elseif status == 'dead' then
    call('srem', DEAD, id)
  end
end

-- Takes a task from one state to another: the containers, the fields and the event, in one place.
local function move(id, to, fields, with_info)
  local t = call('hmget', TASK .. id, 'status', 'priority', 'next_priority')
  leave(id, t[1])
  fields.status = to
  fields.want = ''
  if to ~= 'delayed' then
    fields.ready_ts = 0
  end
  if to ~= 'paused' and to ~= 'withdrawn' then
    fields.paused_by = ''
  end
  if t[3] and t[3] ~= '' then
    fields.priority = fields.priority or t[3]
    fields.next_priority = ''
  end
  if to == 'queued' then
    local p = fields.priority or t[2]
    fields.queued_ts = NOW
    call('zadd', QUEUE, p, id)
    if fields.order or fields.solo then -- what the index is made from has to be there first
      call('hset', TASK .. id, 'order', fields.order or field(id, 'order'), 'solo', fields.solo or field(id, 'solo') or '')
    end
    index_add(id, p)
  elseif to == 'delayed' then
    call('zadd', DELAYED, fields.ready_ts, id)
  elseif to == 'paused' then
    call('sadd', PAUSED, id)
  elseif to == 'dead' then
    call('sadd', DEAD, id)
  end
  change(id, KIND[to], fields, with_info)
end

-- The worker that holds the task by this token, or nil: the lease was given to another, or taken, the server was
-- rebuilt since, or another process has registered under the worker's id.
local function holder(id, token)
  local t = call('hmget', TASK .. id, 'status', 'token', 'worker', 'instance')
  if t[1] ~= 'running' or t[2] ~= token or string.match(token, '^%d+') ~= EPOCH then
    return nil
  end
  if call('hget', WORKER .. t[3], 'instance') ~= t[4] then
    return nil
  end
  return t[3]
end

local function new_run(id, p)
  local run = tonumber(field(id, 'run')) or 1
  local order = call('hincrby', META, 'order', 1)
  call('zadd', CQ .. 'tasks', order, id)
  move(id, 'queued', {run = run + 1, attempt = 0, deaths = 0, deaths_alone = 0, solo = '', priority = p, order = order,
    started_ts = 0, claimed_ts = 0, finished_ts = 0, error = '', worker = '', token = '',
    checkpoint_epoch = 0, checkpoint_token = ''})
end

local function set_priority(id, p)
  local status = field(id, 'status')
  if status == 'queued' then
    index_remove(id, field(id, 'priority'))
    call('zadd', QUEUE, p, id)
    index_add(id, p)
  end
  if status == 'running' then
    change(id, 'task.priority', {next_priority = p})
  else
    change(id, 'task.priority', {priority = p})
  end
end
