-- ARGV: prefix, level, text. A line for the user about the run.
allow_full_server()
notice(ARGV[2], ARGV[3])
return 1
