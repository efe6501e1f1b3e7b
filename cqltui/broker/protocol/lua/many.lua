-- Put before the scripts that take many tasks. New ones into training_queue and its index, all at once: (id, priority,
-- submission number, pack) of each. It may tell of a lost queue, so that the number of what is told of these tasks is to
-- be taken after it.
local function queue_all(tasks)
  if call('exists', QUEUE) == 0 then
    restore_queue()
  end
  local sets = {[QUEUE] = {}}
  local function put(name, score, id)
    sets[name] = sets[name] or {}
    local flat = sets[name]
    flat[#flat + 1], flat[#flat + 2] = score, id
  end
  for _, task in ipairs(tasks) do
    local id, p, order, pack = unpack(task)
    add_level(p)
    put(QUEUE, p, id)
    put(ORDER .. p, order, id)
    if pack ~= '' then
      put(PACK .. p .. ':' .. pack, order, id)
    end
  end
  for name, flat in pairs(sets) do
    call('zadd', name, unpack(flat))
  end
end
