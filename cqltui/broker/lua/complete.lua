-- ARGV: prefix, id, token, result (JSON object). Records the result of a run once; a repeated call is told so too.
allow_full_server()
local id, token, result = ARGV[2], ARGV[3], ARGV[4]
local t = call('hmget', TASK .. id, 'status', 'done_token', 'run')
if t[1] == 'done' and t[2] == token then
  return 1
end
local worker = holder(id, token)
if not worker then
  return 0
end
local head = cjson.encode({task = id, run = tonumber(t[3]), attempt = tonumber(field(id, 'attempt')), token = token,
  worker = worker})
call('hset', RESULTS, id .. '/' .. t[3], string.sub(head, 1, -2) .. ',"ts":' .. NOW .. ',"result":' .. result .. '}')
move(id, 'done', {finished_ts = NOW, done_token = token, error = ''})
return 1
