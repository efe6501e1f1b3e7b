-- ARGV: prefix, worker, instance, data (JSON object). A process under this id; one that was there before is fenced.
allow_full_server()
local worker, instance = ARGV[2], ARGV[3]
local seq = next_seq()
local data = since(seq, 0, ARGV[4])
call('sadd', P .. 'active_workers', worker)
call('del', WORKER .. worker)
call('hset', WORKER .. worker, 'instance', instance, 'since', seq, 'data', data, 'ts', NOW)
send(seq, 'worker.started', '', worker, '', 0, data)
return 1
