-- ARGV: prefix, worker, instance ('' for whichever it is: its process is known to be dead)
allow_full_server()
local worker, instance = ARGV[2], ARGV[3]
local known = call('hget', WORKER .. worker, 'instance')
if not known or (instance ~= '' and known ~= instance) then
  return 0
end
call('del', WORKER .. worker)
call('srem', P .. 'active_workers', worker)
send(next_seq(), 'worker.stopped', '', worker, '', 0, '{}')
return 1
