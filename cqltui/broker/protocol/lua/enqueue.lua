-- ARGV: prefix, how many values of forms, name and text of each form of info and spec, then (id, digest, info, spec,
-- pack, cost, priority, info as it is told) for each task. Returns the ids of those refused.
-- Its first write may allocate: a full server refuses the whole batch.
local STATUS, DIGEST, INFO, FILE_PRIORITY = 1, 2, 3, 4
local conflicts = {}

-- New tasks, all at once: what has to be done for each of them alone is as little as can be, since a campaign may have a
-- million. The same as `move` would do for each.
local function add_all(new)
  local n = #new
  local order = call('hincrby', META, 'order', n) - n
  local tasks, waiting = {}, {}
  for i, task in ipairs(new) do
    local at = call('zscore', TASKS, task[1]) or string.format('%d', order + i) -- listed already: its hash was lost
    tasks[2 * i - 1], tasks[2 * i] = at, task[1]
    waiting[i] = {task[1], task[7], at, task[5]}
  end
  call('zadd', TASKS, unpack(tasks))
  queue_all(waiting)
  local seq = call('hincrby', META, 'seq', n) - n
  local lives = {} -- by priority what is told of each before and after its number
  local function life_of(p, at)
    if not lives[p] then
      local text = life(record({'queued', p, '', '1', '0', '0', '', '', NOW}))
      lives[p] = {string.match(text, '^(.*"order":)0(,"run":.*)$')}
    end
    return lives[p][1] .. at .. lives[p][2]
  end
  for i, task in ipairs(new) do
    local id, digest, info, spec, pack, cost, p, told = unpack(task)
    local at = waiting[i][3]
    call('hset', TASK .. id, 'digest', digest, 'info', info, 'spec', spec, 'pack', pack, 'cost', cost, 'file_priority', p,
      'priority', p, 'order', at, 'run', '1', 'attempt', '0', 'deaths', '0', 'status', 'queued', 'ready_ts', '0',
      'queued_ts', NOW, 'seq', seq + i)
    send(seq + i, KIND.queued, id, '', '', 0, '{"was":"","info":' .. told .. ',' .. life_of(p, at))
  end
end

local function refresh(id, known, info, spec, pack, cost, p, told)
  local status = known[STATUS]
  call('hset', TASK .. id, 'spec', spec, 'info', info, 'cost', cost, 'file_priority', p)
  if known[FILE_PRIORITY] ~= p then
    if status == 'withdrawn' then -- its return is told below
      call('hset', TASK .. id, 'priority', p)
    else
      set_priority(id, p)
    end
  end
  if status == 'queued' and field(id, 'pack') ~= pack then
    local at = field(id, 'priority')
    index_remove(id, at)
    call('hset', TASK .. id, 'pack', pack)
    index_add(id, at)
  else
    call('hset', TASK .. id, 'pack', pack)
  end
  if status == 'withdrawn' then
    move(id, field(id, 'former') or 'queued', {former = ''}, info)
  elseif known[INFO] ~= info and whole(known[INFO] or '') ~= told then
    change(id, KIND[status], {}, info)
  end
end

local new, seen, last_form = {}, {}, 2 + tonumber(ARGV[2])
keep_forms(3, last_form)
for i = last_form + 1, #ARGV, 8 do
  local id, digest, info, spec, pack, cost, p, told = unpack(ARGV, i, i + 7)
  if not seen[id] then
    touch(id)
  end
  local known = seen[id] or call('hmget', TASK .. id, 'status', 'digest', 'info', 'file_priority')
  if not known[STATUS] then
    new[#new + 1] = {id, digest, info, spec, pack, cost, p, told}
    seen[id] = {'queued', digest, info, p} -- the same again says nothing new
  elseif known[DIGEST] ~= digest then
    conflicts[#conflicts + 1] = id
  elseif not seen[id] then
    refresh(id, known, info, spec, pack, cost, p, told)
  end
end
if #new > 0 then
  add_all(new)
end
return conflicts
