-- ARGV: prefix, id... Tasks that are no longer in the campaign file. Returns how many were withdrawn.
-- A running one loses its lease: its worker hears so and gives it up, its checkpoints stay.
allow_full_server()
local count = 0
for i = 2, #ARGV do
  local id = ARGV[i]
  local status = field(id, 'status')
  if status and status ~= 'withdrawn' then
    local former = status
    if status == 'running' or status == 'delayed' then
      former = 'queued'
    end
    move(id, 'withdrawn', {former = former})
    count = count + 1
  end
end
return count
