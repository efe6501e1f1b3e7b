-- ARGV: prefix, id, token, epoch, the report as of it (JSON object or ''). A checkpoint of a later epoch clears the
-- deaths and lets the task train in a pack again.
allow_full_server()
local id, token, epoch = ARGV[2], ARGV[3], tonumber(ARGV[4])
if not holder(read(id), token) then
  return 0
end
call('hset', TASK .. id, 'saved', ARGV[5] == '' and '' or dated(ARGV[5]))
local before = tonumber(field(id, 'checkpoint_epoch')) or 0
if epoch > before then
  local fields = {checkpoint_epoch = epoch, checkpoint_token = token, deaths = 0, deaths_alone = 0, solo = ''}
  if (tonumber(field(id, 'deaths')) or 0) > 0 then
    change(id, 'task.checkpoint', fields)
  else -- nothing that a reader is shown: no event
    call('hset', TASK .. id, 'checkpoint_epoch', epoch, 'checkpoint_token', token)
  end
elseif epoch == before then
  call('hset', TASK .. id, 'checkpoint_token', token)
end
return 1
