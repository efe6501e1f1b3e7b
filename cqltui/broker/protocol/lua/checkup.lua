-- ARGV: prefix, a name that nobody else has. What steps of the protocol do, on keys of its own, which it removes: for
-- `cqltui doctor`. Readers pass over what it publishes.
local key = CQ .. 'checkup:' .. ARGV[2]
call('hset', key, 'now', NOW)
call('zadd', key .. ':queue', 1, 'task')
call('xadd', key .. ':events', '1-1', 'e', NOW)
call('publish', EVENTS, '')
local found = call('hget', key, 'now')
call('del', key, key .. ':queue', key .. ':events')
return found == NOW and 1 or 0
