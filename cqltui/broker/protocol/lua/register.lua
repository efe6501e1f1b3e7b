-- ARGV: prefix, worker, instance, data (JSON object). A process under this id; one that was there before is fenced.
-- No-op for the process that is known: two of its threads may have been told that it is not, and a call whose answer was
-- lost is repeated. What it has claimed since stays its own.
allow_full_server()
local worker, instance = ARGV[2], ARGV[3]
if call('hget', WORKER .. worker, 'instance') == instance then
  return 0
end
local seq = next_seq()
local data = since(seq, 0, ARGV[4])
call('sadd', P .. 'active_workers', worker)
call('del', WORKER .. worker)
call('hset', WORKER .. worker, 'instance', instance, 'since', seq, 'data', data, 'ts', NOW)
local told = cjson.decode(ARGV[4])
for _, name in ipairs({'program', 'started_by'}) do -- versions, which a claim asks for
  if type(told[name]) == 'string' and told[name] ~= '' then
    call('hset', WORKER .. worker, name, told[name])
  end
end
send(seq, 'worker.started', '', worker, '', 0, data)
return 1
