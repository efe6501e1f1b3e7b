-- ARGV: prefix. The queue holds all that the run directory knows.
allow_full_server()
call('hset', META, 'filled', EPOCH)
return 1
