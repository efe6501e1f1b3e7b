-- ARGV: prefix, worker, instance ('' for whichever it is: its process is known to be dead)
allow_full_server()
local worker, instance = ARGV[2], ARGV[3]
local known = call('hmget', WORKER .. worker, 'instance', 'user')
if not known[1] or (instance ~= '' and known[1] ~= instance) then
  return 0
end
call('del', WORKER .. worker)
if known[2] and known[2] ~= '' then
  redis.pcall('hdel', PLACES .. known[2], P .. '|' .. worker)
end
call('srem', P .. 'active_workers', worker)
send(next_seq(), 'worker.stopped', '', worker, '', 0, '{}')
return 1
