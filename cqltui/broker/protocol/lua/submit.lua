-- ARGV: prefix, the forms of what is told (JSON object: name -> text), how many values of forms, name and text of each form
-- of info and spec, then (id, priority, pack, its row behind queued_ts, the rest of it) for each task.
-- Very many new tasks, all at once: no hash is made of any, and one event tells of all. Returns the ids of those that are
-- known as something else, for `enqueue`. Its first write may allocate: a full server refuses the whole batch.
local FIELDS = 5
local others, new, seen, last_form = {}, {}, {}, 3 + tonumber(ARGV[3])
local ids, hashes = {}, {}
for i = last_form + 1, #ARGV, FIELDS do
  ids[#ids + 1], hashes[#hashes + 1] = ARGV[i], TASK .. ARGV[i]
end
keep_forms(4, last_form)
local has_hashes, rows = call('exists', unpack(hashes)) > 0, call('hmget', ROWS, unpack(ids))

-- Whether a known task is this one, but for what no reader is told: that is renewed.
local function renewed(id, row, p, pack, told, rest)
  local t = as_submitted(id)
  if not t or t.priority ~= p or t.pack ~= pack or t.digest ~= string.match(rest, '^[^\n]*')
    or string.sub(row, -#told - 1) ~= ',' .. told then
    return false
  end
  call('hset', RESTS, id, rest)
  return true
end

for i, id in ipairs(ids) do
  local at = last_form + (i - 1) * FIELDS
  local p, pack, told, rest = unpack(ARGV, at + 2, at + FIELDS)
  if seen[id] or (has_hashes and call('exists', hashes[i]) == 1) then
    others[#others + 1] = id
  elseif not rows[i] then
    new[#new + 1] = {id, p, pack, told, rest}
  elseif not renewed(id, rows[i], p, pack, told, rest) then
    others[#others + 1] = id
  end
  seen[id] = true
end
local n = #new
if n == 0 then
  return others
end

local order = call('hincrby', META, 'order', n) - n
local tasks, waiting, made, rests, lines = {}, {}, {}, {}, {}
for i, task in ipairs(new) do
  tasks[2 * i - 1], tasks[2 * i] = string.format('%d', order + i), task[1]
end
local some_listed = call('zadd', TASKS, 'NX', unpack(tasks)) < n -- already: their rows or hashes were lost
for i, task in ipairs(new) do
  local at = some_listed and call('zscore', TASKS, task[1]) or tasks[2 * i - 1]
  waiting[i] = {task[1], task[2], at, task[3]}
end
queue_all(waiting)

local seq = next_seq()
local middle = '",' .. seq .. ','
for i, task in ipairs(new) do
  local id, _, _, told, rest = unpack(task)
  lines[i] = '["' .. id .. middle .. waiting[i][3] .. ',' .. NOW .. ',' .. told
  made[2 * i - 1], made[2 * i] = id, lines[i]
  rests[2 * i - 1], rests[2 * i] = id, rest
end
call('hset', META, 'rows', '1') -- who reads all looks for them
call('hset', ROWS, unpack(made))
call('hset', RESTS, unpack(rests))
send(seq, 'tasks.queued', '', '', '', 0, '{"forms":' .. ARGV[2] .. ',"rows":[' .. table.concat(lines, ',') .. ']}')
return others
