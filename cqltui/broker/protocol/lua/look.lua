-- ARGV: prefix, seconds, id... Somebody looks at these tasks, for so long.
allow_full_server()
local LOOKED_KEPT = 10000
local until_ts = string.format('%.6f', tonumber(NOW) + tonumber(ARGV[2]))
local flat = {}
for i = 3, #ARGV do
  flat[#flat + 1], flat[#flat + 2] = until_ts, ARGV[i]
end
if #flat > 0 then
  call('zadd', LOOKED, unpack(flat))
  call('zremrangebyrank', LOOKED, 0, -LOOKED_KEPT - 1)
end
return 1
