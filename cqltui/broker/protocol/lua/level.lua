-- ARGV: prefix, priority, cursor to go on from, entries to look at. A part of a priority's index compared with
-- training_queue. Returns how many were out of line, and the next cursor ('0': through).
allow_full_server()
local page = call('zscan', ORDER .. ARGV[2], ARGV[3], 'COUNT', ARGV[4])
for i = 1, #page[2], 2 do
  fix_indexed(page[2][i], ARGV[2])
end
tell()
return {fixed, page[1]}
