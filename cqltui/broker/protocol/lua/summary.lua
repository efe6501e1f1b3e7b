-- ARGV: prefix, cursor, number of tasks, what is gone through ('' at the first call). How many tasks there are of what, a
-- part of them at a time (by cursor, as in snapshot.lua). Changes nothing. Returns `run_meta`, the next cursor ('0':
-- through), name and text of each form that these tasks' info is kept by, then form, status, priority and number of each
-- group of tasks; in place of a form the info of a task that is kept whole. Last, what is gone through: 'tasks', or 'rows'
-- where no task has a hash (untouched.lua), which takes half as long.
local groups, waiting, known, forms, out = {}, {}, {}, {}, {}
local through, page = ARGV[4], nil
if through == '' then -- an error: the server's user has only the rights that an earlier version needs
  through = redis.pcall('hlen', ROWS) == call('zcard', TASKS) and 'rows' or 'tasks'
end

local function know(form)
  if not known[form] then
    known[form] = true
    forms[#forms + 1], forms[#forms + 2] = form, form_text(form) or ''
  end
end

local function count(all, group)
  all[group] = (all[group] or 0) + 1
end

-- As `parted`, but quicker: what follows the id.
local function wait_of(id, row)
  local group = row and string.match(row, '^,%d+,%d+,[%d.]+,(%d+,"%x+)",%[', #id + 4)
  if group then
    count(waiting, group)
  end
  return group
end

if through == 'rows' then
  page = call('hscan', ROWS, ARGV[2], 'COUNT', ARGV[3])
  for i = 1, #page[2], 2 do
    wait_of(page[2][i], page[2][i + 1])
  end
else
  page = call('zscan', TASKS, ARGV[2], 'COUNT', ARGV[3])
  local ids = {}
  for i = 1, #page[2], 2 do
    ids[#ids + 1] = page[2][i]
  end
  local rows = #ids > 0 and call('hmget', ROWS, unpack(ids))
  for i, id in ipairs(ids) do
    if not wait_of(id, rows[i]) then
      local t = call('hmget', TASK .. id, 'status', 'priority', 'info')
      if t[1] then
        local form = t[3] and string.match(t[3], '^{"form":"(%x+)"') -- `form_of` looks at its values too
        if form then
          know(form)
        end
        count(groups, t[1] .. ' ' .. (t[2] or '0') .. ' ' .. (form or t[3] or ''))
      end
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
return {run_meta(), page[1], forms, out, through}
