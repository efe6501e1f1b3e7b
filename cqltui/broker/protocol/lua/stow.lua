-- ARGV: prefix, most bytes of all parcels, name, content ('' for none), then the names of parcels to remove first.
-- Keeps a parcel under a name. Returns how many there are, or 0 if there is no room for it.
local STORE, SIZES, most, name, content = CQ .. 'store', CQ .. 'stored', tonumber(ARGV[2]), ARGV[3], ARGV[4]
for i = 3, #ARGV do
  if i ~= 4 then
    local size = call('hget', SIZES, ARGV[i])
    if size then
      call('hdel', SIZES, ARGV[i])
      call('hdel', STORE, ARGV[i])
      call('hincrby', SIZES, 'total', -(tonumber(size) or 0))
    end
  end
end
if content == '' then
  return call('hlen', STORE)
end
if (tonumber(call('hget', SIZES, 'total')) or 0) + #content > most then
  return 0
end
call('hset', STORE, name, content)
call('hset', SIZES, name, #content)
call('hincrby', SIZES, 'total', #content)
return call('hlen', STORE)
