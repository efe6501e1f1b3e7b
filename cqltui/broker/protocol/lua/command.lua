-- ARGV: prefix, command, id, priority ('' for none), who asks. What the user asks of one task.
-- Returns 'no' (it is so already), 'unknown', the state in which it cannot be done; or the number of the event, and what
-- `undo` needs to take it back (JSON).
allow_full_server()
local name, id, p = ARGV[2], ARGV[3], ARGV[4]
BY = plain(ARGV[5])
touch(id)
local t = call('hmget', TASK .. id, 'status', 'want', 'paused_by', 'priority', 'file_priority')
local status, want = t[1], t[2] or ''

local function ask(what, kind)
  if want == what or (what == 'pause' and want == 'cancel') then
    return 'no'
  end
  change(id, kind, {want = what})
  return 'yes'
end

local commands = {}

function commands.pause()
  if status == 'queued' then
    move(id, 'paused', {paused_by = 'user'})
  elseif status == 'running' then
    return ask('pause', 'task.paused')
  elseif status == 'paused' and t[3] ~= 'user' then
    change(id, 'task.paused', {paused_by = 'user'})
  elseif status == 'paused' then
    return 'no'
  else
    return status
  end
  return 'yes'
end

function commands.resume()
  if status == 'paused' then
    move(id, 'queued', {})
  elseif status == 'running' and want == 'pause' then
    change(id, 'task.claimed', {want = ''})
  elseif status == 'running' or status == 'queued' then
    return 'no'
  else
    return status
  end
  return 'yes'
end

function commands.cancel()
  if status == 'queued' or status == 'delayed' or status == 'paused' then
    call_off(id, {})
  elseif status == 'running' then
    return ask('cancel', 'task.cancelled')
  elseif status == 'cancelled' then
    return 'no'
  elseif status == 'dead' and (field(id, 'kept') or '') ~= '' then
    call_off(id, {})
  else
    return status
  end
  return 'yes'
end

function commands.resubmit()
  if status ~= 'done' and status ~= 'dead' and status ~= 'cancelled' then
    return status
  end
  if p == '' then
    p = t[4] or t[5]
  end
  new_run(id, p)
  return 'yes'
end

function commands.priority()
  if status == 'queued' or status == 'delayed' or status == 'paused' then
    if t[4] == p then
      return 'no'
    end
    set_priority(id, p)
  elseif status == 'running' then
    if (field(id, 'next_priority') or '') == p then
      return 'no'
    end
    set_priority(id, p)
  else
    return status
  end
  return 'yes'
end

-- The task as it is, for `undo`: only what it has.
local function as_it_is(...)
  local known = {}
  for _, one in ipairs({...}) do
    local value = field(id, one)
    if value and value ~= '' then
      known[one] = value
    end
  end
  return known
end

if not status then
  return 'unknown'
end
local before = as_it_is('asked', 'status', 'priority', 'next_priority', 'paused_by', 'want')
if name == 'cancel' then
  local more = as_it_is('kept', 'ready_ts', 'finished_ts')
  if more.kept then -- the run before comes back, and takes the place of all this
    more = as_it_is('kept', 'ready_ts', 'saved', 'done_token', 'deaths', unpack(KEPT))
  end
  for one, value in pairs(more) do
    before[one] = value
  end
end
local answer = commands[name]()
if answer ~= 'yes' then
  return answer
end
before.command, before.set = name, p
local seq = field(id, 'seq')
call('hset', TASK .. id, 'asked', seq)
return {seq, cjson.encode(before)}
