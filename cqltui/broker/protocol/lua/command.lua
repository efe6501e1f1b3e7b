-- ARGV: prefix, command, id, priority ('' for none). What the user asks of one task.
-- Returns whether something was done ('yes', 'no'), 'unknown', or the state in which it cannot be done.
allow_full_server()
local name, id, p = ARGV[2], ARGV[3], ARGV[4]
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

if not status then
  return 'unknown'
end
return commands[name]()
