-- ARGV: prefix, submission number to go on behind ('-1' at the first call), number of tasks, seq from which on changes are
-- told apart ('' for never), the last submission number ('' at the first call). How many tasks there are of what, a part of
-- them at a time. Changes nothing. Returns `run_meta`, the number to go on behind ('': through), name and text of each form
-- that these tasks' info is kept by, then form, status, priority and number of each group of tasks; in place of a form the
-- info of a task that is kept whole; then the ids of tasks that have changed behind that seq: they are in no group; and the
-- last submission number. Rows that are new are left out: their event is to come.
-- In order, which is half as long as by cursor: neighbours lie side by side. What is submitted again has another place then.
local groups, waiting, known, forms, out, changed = {}, {}, {}, {}, {}, {}
local since = tonumber(ARGV[4]) or math.huge

local function know(form)
  if not known[form] then
    known[form] = true
    forms[#forms + 1], forms[#forms + 2] = form, form_text(form) or ''
  end
end

local function count(all, group)
  all[group] = (all[group] or 0) + 1
end

-- As `parted`, but quicker: what stands around the submission number and the time.
local function wait_of(id, row)
  local seq, group = string.match(row, '^,(%d+),%d+,[%d.]+,(%d+,"%x+)",%[', #id + 4)
  if group and tonumber(seq) <= since then
    count(waiting, group)
  end
  return group
end

local last = ARGV[5] ~= '' and ARGV[5] or call('hget', META, 'order') or '0'
local ids = call('zrangebyscore', TASKS, '(' .. ARGV[2], last, 'LIMIT', 0, ARGV[3])
local behind = #ids == tonumber(ARGV[3]) and call('zscore', TASKS, ids[#ids]) or ''
-- An error: the server's user has only the rights that an earlier version needs.
local rows = #ids > 0 and redis.pcall('hmget', ROWS, unpack(ids)) or {}
for i, id in ipairs(ids) do
  if not rows[i] or not wait_of(id, rows[i]) then
    local t = call('hmget', TASK .. id, 'status', 'priority', 'info', 'seq')
    if t[1] and (tonumber(t[4]) or 0) > since then
      changed[#changed + 1] = id
    elseif t[1] then
      local form = t[3] and string.match(t[3], '^{"form":"(%x+)"') -- `form_of` looks at its values too
      if form then
        know(form)
      end
      count(groups, t[1] .. ' ' .. (t[2] or '0') .. ' ' .. (form or t[3] or ''))
    end
  end
end
for group, number in pairs(waiting) do
  local priority, form = string.match(group, '^(%d+),"(%x+)$')
  know(form)
  group = 'queued ' .. priority .. ' ' .. form
  groups[group] = (groups[group] or 0) + number
end
for group, number in pairs(groups) do
  local status, priority, kept = string.match(group, '^(%S+) (%S+) (.*)$')
  local n = #out
  out[n + 1], out[n + 2], out[n + 3], out[n + 4] = kept or '', status or '', priority or '0', number
end
return {run_meta(), behind, forms, out, changed, last}
