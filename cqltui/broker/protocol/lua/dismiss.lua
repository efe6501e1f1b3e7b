-- ARGV: prefix, worker, why. Asks a worker's process to leave after its checkpoint, from its next report on.
-- Returns 1 if it was not asked before.
allow_full_server()
local worker, why = ARGV[2], ARGV[3]
if call('hexists', WORKER .. worker, 'instance') == 0 or why == '' then
  return 0
end
return call('hsetnx', WORKER .. worker, 'leave', why)
