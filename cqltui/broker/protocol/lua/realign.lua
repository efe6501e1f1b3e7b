-- ARGV: prefix. What was typed into training_queue above the first task that can be claimed is brought in line, and its
-- priority's index with it. For a claim that met it; all the rest is left to `reconcile`.
allow_full_server()
local TRIES, LEVEL_LIMIT = 100, 1000

for _ = 1, TRIES do
  local top = call('zrevrange', QUEUE, 0, 0, 'WITHSCORES')
  if #top == 0 then
    break
  end
  local p = priority_of(top[2])
  if not p then
    fix(top[1], top[2])
  else
    align_level(p, LEVEL_LIMIT)
    local head = call('zrange', ORDER .. p, 0, 0)[1]
    if not head then
      if call('zscore', QUEUE, top[1]) then
        fix(top[1], top[2])
      end
    elseif not fix_indexed(head, p) then
      break
    end
  end
end
tell()
return 1
