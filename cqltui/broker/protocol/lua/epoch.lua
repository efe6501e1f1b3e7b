-- ARGV: prefix, epoch to begin. Tokens of an older one are refused from here on.
allow_full_server()
call('hset', META, 'epoch', ARGV[2])
return 1
