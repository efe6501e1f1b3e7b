-- ARGV: prefix, worker, instance, data (JSON object). A process under this id; one that was there before is fenced.
allow_full_server()
local worker, instance, data = ARGV[2], ARGV[3], ARGV[4]
call('sadd', P .. 'active_workers', worker)
call('del', WORKER .. worker)
call('hset', WORKER .. worker, 'instance', instance, 'data', data, 'ts', NOW)
send(next_seq(), 'worker.started', '', worker, '', 0, data)
return 1
