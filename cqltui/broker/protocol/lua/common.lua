-- What scripts use, put before each: all of this but the functions that it does not use. Keys are built from a prefix
-- (ARGV[1]), not declared: Redis Cluster is not supported.
-- The server does not run two scripts at once, so each script is one step of the protocol.
local P = ARGV[1]
local QUEUE = P .. 'training_queue'
local CQ = P .. 'cq:'
local META, TASKS, TASK, ORDER = CQ .. 'meta', CQ .. 'tasks', CQ .. 'task:', CQ .. 'order:'
local PACK, LEVELS = CQ .. 'pack:', CQ .. 'levels'
local LEASES, DELAYED, PAUSED, DEAD = CQ .. 'leases', CQ .. 'delayed', CQ .. 'paused', CQ .. 'dead'
local WORKER, RESULTS, EVENTS, LOOKED = CQ .. 'worker:', CQ .. 'results', CQ .. 'events', CQ .. 'looked'
local EVENTS_KEPT, NOTICES_KEPT, REJECTED_KEPT = 10000, 100, 1000
local EVENTS_CUT = 100 -- so many events from one cut of the stream to the next
local PRIORITY_MAX = 1000000
local call = redis.call

local clock = call('time')
local NOW = string.format('%d.%06d', clock[1], clock[2])
local about = call('hmget', META, 'epoch', 'wanted', 'token')
local EPOCH, WANTED, LAST_TOKEN = about[1] or '0', about[2] or 'running', tonumber(about[3]) or 0
local BY = '' -- who asked for what this script changes; '' for nobody: a worker or the supervisor does it by itself

local KIND = {queued = 'task.queued', running = 'task.claimed', delayed = 'task.delayed', paused = 'task.paused',
  done = 'task.done', dead = 'task.dead', cancelled = 'task.cancelled', withdrawn = 'task.withdrawn'}

-- At maxmemory a server refuses a script whose first write could allocate, and lets one go on that has written.
-- A delete is never refused, so every script that must work on a full server begins with this.
local function allow_full_server()
  call('del', CQ .. 'none')
end

local function field(id, name)
  local value = call('hget', TASK .. id, name)
  if not value and touch(id) then
    value = call('hget', TASK .. id, name)
  end
  return value
end

-- A task by its values in `read`'s order: name -> text, '' for what it lacks; no status if there is no such task.
local function record(v)
  return {status = v[1], priority = v[2] or '', order = v[3] or '', run = v[4] or '', attempt = v[5] or '',
    deaths = v[6] or '', worker = v[7] or '', token = v[8] or '', queued_ts = v[9] or '', started_ts = v[10] or '',
    claimed_ts = v[11] or '', finished_ts = v[12] or '', ready_ts = v[13] or '', paused_by = v[14] or '',
    want = v[15] or '', error = v[16] or '', next_priority = v[17] or '', pack = v[18] or '', solo = v[19] or '',
    instance = v[20] or '', done_token = v[21] or '', report = v[22] or '', by = v[23] or ''}
end

-- With names of further fields their values follow the task, which is untouched no longer.
local function read(id, ...)
  local v = call('hmget', TASK .. id, 'status', 'priority', 'order', 'run', 'attempt', 'deaths', 'worker', 'token',
    'queued_ts', 'started_ts', 'claimed_ts', 'finished_ts', 'ready_ts', 'paused_by', 'want', 'error',
    'next_priority', 'pack', 'solo', 'instance', 'done_token', 'report', 'by', ...)
  if not v[1] and touch(id) then
    return read(id, ...)
  end
  return record(v), v[24], v[25], v[26], v[27]
end

-- A stored number as JSON has it, 0 for anything else that somebody may have typed.
local function num(v)
  return (string.find(v, '^%-?%d+$') or string.find(v, '^%-?%d+%.%d+$')) and v or '0'
end

-- What readers are told of a task: the fields of state.model.Lifecycle, as JSON without its first brace. Put together
-- by hand, which takes a third of the time; of these texts only the error and who asked come from outside.
local function life(t)
  return '"status":"' .. t.status .. '","priority":' .. num(t.priority) .. ',"order":' .. num(t.order) .. ',"run":'
    .. num(t.run) .. ',"attempt":' .. num(t.attempt) .. ',"deaths":' .. num(t.deaths) .. ',"worker":"' .. t.worker
    .. '","token":"' .. t.token .. '","queued_ts":' .. num(t.queued_ts) .. ',"started_ts":' .. num(t.started_ts)
    .. ',"claimed_ts":' .. num(t.claimed_ts) .. ',"finished_ts":' .. num(t.finished_ts) .. ',"ready_ts":'
    .. num(t.ready_ts) .. ',"paused_by":"' .. t.paused_by .. '","want":"' .. t.want .. '","by":'
    .. (t.by == '' and '""' or cjson.encode(t.by)) .. ',"error":' .. (t.error == '' and '""' or cjson.encode(t.error))
    .. ',"report":' .. (t.report == '' and 'null' or t.report) .. '}'
end

-- Into the stream and to all listeners. The stream's own ids are <epoch>-<seq>, so a reader finds its place at once.
local function send(seq, kind, id, worker, token, attempt, data)
  local message = '{"v":1,"epoch":' .. EPOCH .. ',"seq":' .. seq .. ',"ts":' .. NOW .. ',"kind":"' .. kind
    .. '","task":"' .. id .. '","worker":"' .. worker .. '","token":"' .. token .. '","attempt":' .. attempt
    .. ',"data":' .. data .. '}'
  if seq ~= 0 then
    local place = EPOCH .. '-' .. seq
    local added
    if seq % EVENTS_CUT == 0 then
      added = redis.pcall('xadd', EVENTS, 'MAXLEN', '~', EVENTS_KEPT, place, 'e', message)
    else
      added = redis.pcall('xadd', EVENTS, place, 'e', message)
    end
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

-- `reread`: what readers know may be less than all, and no event will tell them.
local function notice(level, text, reread)
  local data = cjson.encode({level = level, text = text, reread = reread or nil})
  local message = send(next_seq(), 'notice', '', '', '', 0, data)
  call('lpush', CQ .. 'notices', message)
  call('ltrim', CQ .. 'notices', 0, NOTICES_KEPT - 1)
end

-- Stores fields (name -> value) of a task, where they differ from what it is (t, read here if not given), and tells it,
-- with its status, priority and submission number before ('' of one that was none), for readers who hold only some; and
-- with its info (the JSON, or true: as stored) for readers who may not know it.
local function change(id, kind, fields, info, t)
  t = t or read(id)
  local seq = next_seq()
  local was = t.status and t.status .. ' ' .. num(t.priority) .. ' ' .. num(t.order) or ''
  local flat, n = {'seq', seq}, 2
  fields.by = BY
  for name, value in pairs(fields) do
    if t[name] ~= value then
      flat[n + 1], flat[n + 2], n = name, value, n + 2
      t[name] = value
    end
  end
  call('hset', TASK .. id, unpack(flat))
  if info == true then
    info = field(id, 'info') or 'null'
  end
  local head = '{"was":"' .. was .. (info and '","info":' .. whole(info) .. ',' or '",')
  send(seq, kind, id, t.worker, t.token, tonumber(t.attempt) or 0, head .. life(t))
end

-- What a worker says of itself, with its place among all that is said of its id: the number of the event by which it
-- registered, and of its report since. The time would not do: a clock may be set back.
local function since(seq, reports, data)
  local place = '{"since":' .. seq .. ',"report":' .. reports
  return place .. (data == '{}' and '}' or ',' .. string.sub(data, 2))
end

-- A priority is a whole number from 0 to PRIORITY_MAX; nil for anything else that a score can be.
local function priority_of(score)
  local p = tonumber(score)
  if p and p >= 0 and p <= PRIORITY_MAX and p == math.floor(p) then
    return string.format('%d', p)
  end
  return nil
end

-- Whether a task that the index has at priority p is queued with it by itself and in training_queue too.
local function in_line(id, p, status, priority)
  if status ~= 'queued' or priority ~= p then
    return false
  end
  local score = call('zscore', QUEUE, id)
  return score and (score == p or priority_of(score) == p)
end

-- The index beside training_queue: per priority the ids by submission number, and the same per pack.
local leveled = {} -- priorities that are in LEVELS for sure
local function add_level(p)
  if not leveled[p] then
    call('zadd', LEVELS, p, p)
    leveled[p] = true
  end
end

local function index_add(id, p, t)
  t = t or as_submitted(id) or read(id)
  add_level(p)
  call('zadd', ORDER .. p, t.order, id)
  if t.pack ~= '' and t.solo ~= '1' then
    call('zadd', PACK .. p .. ':' .. t.pack, t.order, id)
  end
end

local function index_remove(id, p, pack)
  pack = pack or field(id, 'pack')
  call('zrem', ORDER .. p, id)
  if pack and pack ~= '' then
    call('zrem', PACK .. p .. ':' .. pack, id)
  end
end

-- training_queue made again from the index. A missing key is a lost one: of a queue from which entries were taken by
-- hand some are left, but for the last one, and nobody is to wait for a task that has gone with the key. `told`: why the
-- key is missing has been told.
local function restore_queue(told)
  local count = 0
  for _, p in ipairs(call('zrange', LEVELS, 0, -1)) do
    for _, id in ipairs(call('zrange', ORDER .. p, 0, -1)) do
      if standing(id) == 'queued' then
        count = count + call('zadd', QUEUE, p, id)
      end
    end
  end
  if count > 0 and not told then
    notice('warning', 'training_queue was gone and is made again with ' .. count
      .. ' tasks; pause or cancel what is not to run')
  end
end

-- Into training_queue, which is made again first if it was lost: this entry alone would look like all that is left.
local function queue_add(id, p)
  if call('exists', QUEUE) == 0 then
    restore_queue()
  end
  call('zadd', QUEUE, p, id)
end

-- Takes a task (t, as it is) out of the container of its state.
local function leave(id, t)
  local status = t.status
  if status == 'queued' then
    call('zrem', QUEUE, id)
    index_remove(id, t.priority, t.pack)
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

-- Takes a task (t, as it is; read here if not given) from one state to another: the containers, the fields and the
-- event, in one place.
local function move(id, to, fields, info, t)
  t = t or read(id)
  leave(id, t)
  fields.status = to
  fields.want = ''
  if to ~= 'delayed' then
    fields.ready_ts = '0'
  end
  if to ~= 'paused' and to ~= 'withdrawn' then
    fields.paused_by = ''
  end
  if t.status == 'running' and not fields.report then -- what it has saved is all that is left of it
    fields.report = field(id, 'saved') or ''
  end
  if t.next_priority ~= '' then
    fields.priority = fields.priority or t.next_priority
    fields.next_priority = ''
  end
  if to == 'queued' then
    local p = fields.priority or t.priority
    fields.queued_ts = NOW
    queue_add(id, p)
    index_add(id, p, {order = fields.order or t.order, pack = fields.pack or t.pack,
      solo = fields.solo or t.solo})
  elseif to == 'delayed' then
    call('zadd', DELAYED, fields.ready_ts, id)
  elseif to == 'paused' then
    call('sadd', PAUSED, id)
  elseif to == 'dead' then
    call('sadd', DEAD, id)
  end
  change(id, KIND[to], fields, info, t)
end

-- The worker that holds the task (t, as it is) by this token, or nil: the lease was given to another, or taken, the
-- server was rebuilt since, or another process has registered under the worker's id. One that is not registered at all
-- holds what it has claimed: its hash may have been lost.
local function holder(t, token)
  if t.status ~= 'running' or t.token ~= token or string.match(token, '^%d+') ~= EPOCH then
    return nil
  end
  local instance = call('hget', WORKER .. t.worker, 'instance')
  if instance and instance ~= t.instance then
    return nil
  end
  return t.worker
end

-- A report with the time at which it came.
local function dated(report)
  return '{"ts":' .. NOW .. ',' .. string.sub(report, 2)
end

-- The run's own values for a reader: epoch, seq, meta_seq, wanted, campaign, finished_ts, wanted_by, asked_workers,
-- asked_workers_by.
local function run_meta()
  local m = call('hmget', META, 'epoch', 'seq', 'meta_seq', 'wanted', 'campaign', 'finished_ts', 'wanted_by',
    'asked_workers', 'asked_workers_by')
  return {m[1] or '0', m[2] or '0', m[3] or '0', m[4] or 'running', m[5] or 'null', m[6] or '0', m[7] or '', m[8] or '0',
    m[9] or ''}
end

-- What is told of a done task, and comes back when a new run of it is cancelled.
local KEPT = {'run', 'attempt', 'worker', 'token', 'started_ts', 'claimed_ts', 'finished_ts', 'error', 'report'}

local function new_run(id, p)
  local t, last_run, kept = read(id, 'last_run', 'kept')
  local run = math.max(tonumber(t.run) or 1, tonumber(last_run) or 0) + 1
  if t.status == 'done' then
    local as_it_was = {}
    for _, name in ipairs(KEPT) do
      as_it_was[name] = t[name]
    end
    kept = cjson.encode(as_it_was)
  end
  local order = call('hincrby', META, 'order', 1)
  call('zadd', TASKS, order, id)
  move(id, 'queued', {run = run, last_run = run, attempt = 0, deaths = 0, deaths_alone = 0, solo = '', priority = p,
    order = order, started_ts = 0, claimed_ts = 0, finished_ts = 0, error = '', worker = '', token = '', report = '',
    saved = '', kept = kept or '', checkpoint_epoch = 0, checkpoint_token = ''}, false, t)
end

-- Takes a task (t, as it is) to its end without a result of this run: cancelled, or done again if it was done before.
local function call_off(id, fields, t)
  local kept = field(id, 'kept') or ''
  if kept == '' then
    fields.finished_ts = NOW
    move(id, 'cancelled', fields, false, t)
    return
  end
  fields = cjson.decode(kept)
  fields.done_token, fields.deaths, fields.kept, fields.saved = fields.token, 0, '', ''
  move(id, 'done', fields, false, t)
end

local function set_priority(id, p)
  local t = read(id)
  if t.status == 'queued' then
    index_remove(id, t.priority, t.pack)
    queue_add(id, p)
    index_add(id, p, t)
  end
  if t.status == 'running' then
    change(id, 'task.priority', {next_priority = p}, false, t)
  else
    change(id, 'task.priority', {priority = p}, false, t)
  end
end
