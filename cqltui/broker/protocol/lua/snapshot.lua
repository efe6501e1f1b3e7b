-- ARGV: prefix, cursor, number of tasks; or prefix, 0, 0, ids. One part of a reading: the parts need not be of one moment,
-- since each task has a version of its own and the first part's seq says from where on events are to be applied.
-- By cursor, not by rank: ranks move with every resubmission, while ZSCAN gives each member that is there all the time at
-- least once. Returns `run_meta`, the next cursor ('0': through), the names of LIFE, name and text of each form that these
-- tasks' info is kept by, the untouched ones, then a list a task of the others: id, info as it is kept, seq, progress, LIFE.
-- Untouched is one that waits as it was submitted, as of thousands most do; such a one is told in a line of JSON: [id, seq,
-- order, queued_ts, priority, name of the form, [its own values of the form]]. Of one that has no hash (untouched.lua) that
-- line is read beside: here it is left out.
-- A task whose hash is lost is left out.
local LIFE = {'status', 'priority', 'order', 'queued_ts', 'run', 'attempt', 'deaths', 'ready_ts', 'worker', 'token',
  'started_ts', 'claimed_ts', 'finished_ts', 'paused_by', 'want', 'by', 'error', 'report'}
local ids, cursor = {unpack(ARGV, 4)}, '0'
if #ids == 0 then
  local page = call('zscan', TASKS, ARGV[2], 'COUNT', ARGV[3])
  cursor = page[1]
  for i = 1, #page[2], 2 do
    ids[#ids + 1] = page[2][i]
  end
end
local out = {run_meta(), cursor, LIFE, {}, {}}
local known = {}
local lines = out[5]

local function know(form)
  if not known[form] then
    known[form] = true
    local n = #out[4]
    out[4][n + 1], out[4][n + 2] = form, form_text(form) or ''
  end
end

local function is_empty(value)
  return not value or value == ''
end

local function tell(id)
  local key = TASK .. id
  local t = call('hmget', key, 'status', 'attempt', 'run', 'info', 'seq', 'priority', 'order', 'queued_ts', 'progress',
    'by', 'error', 'report')
  local form, values
  if t[1] then
    form, values = form_of(t[4] or '')
  end
  if form and t[1] == 'queued' and t[2] == '0' and t[3] == '1' and t[5] and t[6] and t[7] and t[8] and not t[9]
    and is_empty(t[10]) and is_empty(t[11]) and is_empty(t[12]) then
    know(form)
    lines[#lines + 1] = '["' .. id .. '",' .. num(t[5]) .. ',' .. num(t[7]) .. ',' .. num(t[8]) .. ','
      .. num(t[6]) .. ',"' .. form .. '",[' .. values .. ']]'
  elseif t[1] then
    local whole = call('hmget', key, 'info', 'seq', 'progress', unpack(LIFE))
    local last = #LIFE
    while last > 1 and not whole[3 + last] do
      last = last - 1
    end
    out[#out + 1] = {id, unpack(whole, 1, 3 + last)}
    if form then
      know(form)
    end
  end
end

for _, id in ipairs(ids) do
  tell(id)
end
return out
