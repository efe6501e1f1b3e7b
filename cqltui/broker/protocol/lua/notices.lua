-- ARGV: prefix, notice event (JSON)..., the newest first. The list of notices, made again where it was lost.
allow_full_server()
if call('exists', CQ .. 'notices') == 1 then
  return 0
end
return call('rpush', CQ .. 'notices', unpack(ARGV, 2))
