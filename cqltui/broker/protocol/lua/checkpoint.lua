-- ARGV: prefix, id, token, epoch, the report as of it (JSON object or ''), where it is kept for workers that do not see
-- the run directory ('' if it is not). A checkpoint of a later epoch clears the deaths and lets the task train in a
-- pack again.
allow_full_server()
local id, token, epoch, key = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[6] or ''
if not holder(read(id), token) then
  return 0
end
call('hset', TASK .. id, 'saved', ARGV[5] == '' and '' or dated(ARGV[5]))
local before = tonumber(field(id, 'checkpoint_epoch')) or 0
if epoch > before then
  local fields = {checkpoint_epoch = epoch, checkpoint_token = token, checkpoint_key = key, deaths = 0,
    deaths_alone = 0, solo = ''}
  if (tonumber(field(id, 'deaths')) or 0) > 0 then
    change(id, 'task.checkpoint', fields)
  else -- nothing that a reader is shown: no event
    call('hset', TASK .. id, 'checkpoint_epoch', epoch, 'checkpoint_token', token, 'checkpoint_key', key)
  end
elseif epoch == before then
  call('hset', TASK .. id, 'checkpoint_token', token)
  if key ~= '' then
    call('hset', TASK .. id, 'checkpoint_key', key)
  end
end
return 1
