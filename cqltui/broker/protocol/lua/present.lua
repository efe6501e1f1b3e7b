-- ARGV: prefix, when the run is expected to end in seconds since 1970 ('' while that is not known), its weight. Its
-- supervisor is there, and says so again before long.
allow_full_server()
call('hset', META, 'supervised_ts', NOW, 'expected_ts', ARGV[2], 'weight', ARGV[3])
return 1
