-- ARGV: prefix, then (id, digest, info, spec, pack, cost, priority) for each task. Returns (id, why) of those refused.
-- Its first write may allocate: a full server refuses the whole batch.
local STATUS, DIGEST, INFO, FILE_PRIORITY = 1, 2, 3, 4
local conflicts = {}

local function add(id, digest, info, spec, pack, cost, p)
  local order = call('zscore', TASKS, id) or call('hincrby', META, 'order', 1) -- listed already: its hash was lost
  call('zadd', TASKS, order, id)
  move(id, 'queued', {digest = digest, info = info, spec = spec, pack = pack, cost = cost, file_priority = p, priority = p,
    order = order, run = '1', attempt = '0', deaths = '0'}, info, record({}))
end

local function refresh(id, known, info, spec, pack, cost, p)
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
  elseif known[INFO] ~= info then
    change(id, KIND[status], {}, info)
  end
end

for i = 2, #ARGV, 7 do
  local id, digest, info, spec, pack, cost, p = unpack(ARGV, i, i + 6)
  local known = call('hmget', TASK .. id, 'status', 'digest', 'info', 'file_priority')
  if not known[STATUS] then
    add(id, digest, info, spec, pack, cost, p)
  elseif known[DIGEST] == digest then
    refresh(id, known, info, spec, pack, cost, p)
  else
    conflicts[#conflicts + 1] = id
  end
end
return conflicts
