-- What a user typed into training_queue with a bare zadd or zrem, brought in line with the tasks and the index.
-- Put before the scripts that need it. Ids found here are foreign bytes until a task of that name is known.
local rejected, taken = {}, {}
local fixed = 0

local function reject(id, why)
  call('zadd', CQ .. 'rejected', NOW, string.sub(id, 1, 200))
  call('zremrangebyrank', CQ .. 'rejected', 0, -REJECTED_KEPT - 1)
  rejected[#rejected + 1] = '"' .. plain(id) .. '" ' .. why
end

local function tell_some(before, items, after)
  if #items == 0 then
    return
  end
  local text = before .. table.concat(items, '; ', 1, math.min(#items, 5))
  if #items > 5 then
    text = text .. '; and ' .. (#items - 5) .. ' more'
  end
  notice('warning', text .. after)
end

-- One notice for all of a kind: somebody may have typed ten thousand of them.
local function tell()
  tell_some('taken out of training_queue: ', rejected, '')
  tell_some('taken out of training_queue by hand: ', taken, ' (paused; resume brings them back)')
end

-- A member of training_queue with its score, as it was found there. Returns whether it was out of line.
local function fix(id, score)
  local status, priority = standing(id)
  local p = priority_of(score)
  if status == 'queued' and p == priority then
    if call('zscore', ORDER .. p, id) then
      add_level(p)
      return false
    end
    index_add(id, p)
    return true
  end
  fixed = fixed + 1
  if not status then
    call('zrem', QUEUE, id)
    if not call('zscore', TASKS, id) then -- else its hash was lost, and `audit` finds that
      reject(id, 'is no task of this campaign')
    end
    return true
  end
  if not p then
    if status == 'queued' then
      call('zadd', QUEUE, priority, id)
      index_add(id, priority)
    else
      call('zrem', QUEUE, id)
    end
    notice('warning', 'task ' .. id .. ': score ' .. plain(score) .. ' is no priority (a whole number from 0 to '
      .. string.format('%d', PRIORITY_MAX) .. '); the task stays ' .. status .. ' with priority ' .. priority)
  elseif status == 'queued' then
    set_priority(id, p)
  elseif status == 'running' then
    call('zrem', QUEUE, id)
    set_priority(id, p)
    notice('info', 'task ' .. id .. ' is running; priority ' .. p .. ' counts when it is queued again')
  elseif status == 'delayed' then
    move(id, 'queued', {priority = p})
  elseif status == 'paused' then
    call('zrem', QUEUE, id)
    set_priority(id, p)
    notice('info', 'task ' .. id .. ' is paused; it keeps priority ' .. p .. ' until it is resumed')
  elseif status == 'withdrawn' then
    call('zrem', QUEUE, id)
    reject(id, 'is no longer in the campaign file')
  else
    new_run(id, p)
    notice('info', 'task ' .. id .. ' was ' .. status .. ' and is queued again as a new run')
  end
  return true
end

-- An index entry of level p. Returns whether it was out of line.
local function fix_indexed(id, p)
  local status, priority = standing(id)
  if in_line(id, p, status, priority) then
    return false
  end
  local score = call('zscore', QUEUE, id)
  index_remove(id, p)
  if score then
    fix(id, score)
  elseif status == 'queued' and priority == p then
    fixed = fixed + 1
    move(id, 'paused', {paused_by = 'user'})
    taken[#taken + 1] = id
  end
  return true
end

local function differs(p)
  return call('zcount', QUEUE, p, p) ~= call('zcard', ORDER .. p)
end

-- Compares the beginning of one level with that of its index, at most `limit` entries of each.
local function align_level(p, limit)
  if not differs(p) then
    return
  end
  for _, id in ipairs(call('zrange', ORDER .. p, 0, limit - 1)) do
    fix_indexed(id, p)
  end
  for _, id in ipairs(call('zrangebyscore', QUEUE, p, p, 'LIMIT', 0, limit)) do
    fix(id, p)
  end
end
