-- ARGV: prefix, cursor, number of tasks. One part of a reading of the server: the parts need not be of one moment,
-- since each task has a version of its own and the first part's seq says from where on events are to be applied.
-- By cursor, not by rank: ranks move with every resubmission, while ZSCAN gives each member that is there all the time at
-- least once. Returns `run_meta`, the next cursor ('0': through), the names of LIFE, name and text of each form that these
-- tasks' info is kept by, then a list a task: id, info as it is kept, seq, progress, LIFE.
-- A task whose hash is lost is left out, and of LIFE what comes after the last value that is not as of a task that waits:
-- of thousands most do.
local LIFE = {'status', 'priority', 'order', 'queued_ts', 'run', 'attempt', 'deaths', 'ready_ts', 'worker', 'token',
  'started_ts', 'claimed_ts', 'finished_ts', 'paused_by', 'want', 'by', 'error', 'report'}
local WAITING = {run = '1', attempt = '0', deaths = '0', ready_ts = '0'}
local page = call('zscan', TASKS, ARGV[2], 'COUNT', ARGV[3])
local out = {run_meta(), page[1], LIFE, {}}
local known = {}
for i = 1, #page[2], 2 do
  local id = page[2][i]
  local t = call('hmget', TASK .. id, 'info', 'seq', 'progress', unpack(LIFE))
  if t[4] then
    local last = #LIFE
    while last > 1 and (not t[3 + last] or t[3 + last] == WAITING[LIFE[last]]) do
      last = last - 1
    end
    out[#out + 1] = {id, unpack(t, 1, 3 + last)}
    local form = t[1] and form_of(t[1])
    if form and not known[form] then
      known[form] = true
      local n = #out[4]
      out[4][n + 1], out[4][n + 2] = form, form_text(form) or ''
    end
  end
end
return out
