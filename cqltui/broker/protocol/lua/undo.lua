-- ARGV: prefix, id, number of the command's event, what the task was before (JSON, as `command` answers it), who asks.
-- Takes a command back, unless somebody has asked something else of the task since, or it has gone on.
-- Returns 'yes', or why not: 'unknown', 'asked', 'changed', 'ran', or the state that it has come to.
allow_full_server()
local id, before = ARGV[2], cjson.decode(ARGV[4])
BY = plain(ARGV[5])
local t, asked = read(id, 'asked')

local function waits()
  return t.status == 'queued' or t.status == 'delayed' or t.status == 'paused'
end

local undoing = {}

function undoing.priority()
  local is = t.next_priority ~= '' and t.next_priority or t.priority
  if not waits() and not (t.status == 'running' and before.status == 'running') then
    return t.status
  elseif is ~= before.set then
    return 'changed'
  elseif t.status == 'running' then
    change(id, 'task.priority', {next_priority = before.next_priority or ''}, false, t)
  else
    set_priority(id, before.next_priority or before.priority)
  end
  return 'yes'
end

-- A pause of the campaign that had paused it before goes on, unless it is over.
local function as_campaign_has_it(by)
  if by == 'campaign' and WANTED == 'running' then
    move(id, 'queued', {}, false, t)
  elseif t.status == 'paused' then
    change(id, 'task.paused', {paused_by = by}, false, t)
  else
    move(id, 'paused', {paused_by = by}, false, t)
  end
end

function undoing.pause()
  if t.status == 'running' and t.want == 'pause' then
    change(id, 'task.claimed', {want = ''}, false, t)
  elseif t.status ~= 'paused' then
    return t.status
  elseif before.status == 'paused' then
    as_campaign_has_it(before.paused_by)
  else
    move(id, 'queued', {}, false, t)
  end
  return 'yes'
end

function undoing.resume()
  if t.status == 'running' and before.status == 'running' then
    change(id, 'task.paused', {want = 'pause'}, false, t)
  elseif t.status == 'queued' then
    move(id, 'paused', {paused_by = before.paused_by or 'user'}, false, t)
  else
    return t.status
  end
  return 'yes'
end

-- The place in the queue is the task's number, which a cancel has left as it was.
function undoing.cancel()
  if before.status == 'running' then
    return 'ran'
  elseif t.status ~= (before.kept and 'done' or 'cancelled') then
    return t.status
  end
  local fields = {finished_ts = before.finished_ts or '0'}
  if before.kept then -- it has the result of the run before again: back to the run that was called off
    for _, name in ipairs(KEPT) do
      fields[name] = before[name] or (string.find(name, '_ts$') and '0' or '')
    end
    fields.kept, fields.saved, fields.done_token = before.kept, before.saved or '', before.done_token or ''
    fields.deaths = before.deaths or '0'
  end
  if before.status == 'paused' then
    if before.paused_by == 'campaign' and WANTED == 'running' then
      move(id, 'queued', fields, false, t)
    else
      fields.paused_by = before.paused_by or 'user'
      move(id, 'paused', fields, false, t)
    end
  else
    if before.status == 'delayed' then
      fields.ready_ts = before.ready_ts or NOW
    end
    move(id, before.status, fields, false, t)
  end
  return 'yes'
end

if not t.status then
  return 'unknown'
elseif asked ~= ARGV[3] then
  return 'asked'
end
local answer = undoing[before.command]()
if answer == 'yes' then
  call('hset', TASK .. id, 'asked', before.asked or '')
end
return answer
