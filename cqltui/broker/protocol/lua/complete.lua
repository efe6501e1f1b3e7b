-- ARGV: prefix, id, token, result (JSON object), the report it ends with (JSON object or ''). Records the result of a run
-- once; a repeated call is told so too.
allow_full_server()
local id, token, result, report = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local t = read(id)
if t.status == 'done' and t.done_token == token then
  return 1
end
local worker = holder(t, token)
if not worker then
  return 0
end
local head = cjson.encode({task = id, run = tonumber(t.run), attempt = tonumber(t.attempt), token = token,
  worker = worker})
call('hset', RESULTS, id .. '/' .. t.run, string.sub(head, 1, -2) .. ',"ts":' .. NOW .. ',"result":' .. result .. '}')
move(id, 'done', {finished_ts = NOW, done_token = token, error = '', kept = '',
  report = report == '' and '' or dated(report)}, false, t)
return 1
