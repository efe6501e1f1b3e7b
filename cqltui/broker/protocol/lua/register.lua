-- ARGV: prefix, worker, instance, data (JSON object), whose worker it is (as in user_of; '-': nobody's), '1' where it was
-- registered before. A process under this id; one that was there before is fenced.
-- No-op for the process that is known: two of its threads may have been told that it is not, and a call whose answer was
-- lost is repeated. What it has claimed since stays its own.
-- Returns 1, 0 for a no-op, or where its user has as many workers as allowed: user, how many, who said so.
allow_full_server()
local worker, instance = ARGV[2], ARGV[3]
if call('hget', WORKER .. worker, 'instance') == instance then
  return 0
end
local user, own = user_of(ARGV[5]), P .. '|' .. worker
if user ~= '' then
  local limit, by = limit_of(user)
  if limit and ARGV[6] ~= '1' then
    local found, count = taken_by(user)
    count = count or 0
    for _, place in ipairs(found) do
      count = count - (place == own and 1 or 0) -- it takes the place of an earlier process
    end
    if count >= limit then
      return {user, limit, by}
    end
  end
  redis.pcall('hset', PLACES .. user, own, instance)
end
local told = cjson.decode(ARGV[4])
local seq = next_seq()
local data = since(seq, 0, ARGV[4])
call('sadd', P .. 'active_workers', worker)
call('del', WORKER .. worker)
call('hset', WORKER .. worker, 'instance', instance, 'since', seq, 'data', data, 'ts', NOW, 'user', user)
for _, name in ipairs({'program', 'started_by'}) do -- versions, which a claim asks for
  if type(told[name]) == 'string' and told[name] ~= '' then
    call('hset', WORKER .. worker, name, told[name])
  end
end
send(seq, 'worker.started', '', worker, '', 0, data)
return 1
