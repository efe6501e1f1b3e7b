-- ARGV: prefix, whose (as in user_of). Returns the user, how many workers he may have ('' for as many as he likes), who said
-- so, how many he has ('' where that cannot be read), and which: prefix|worker, ...
allow_full_server()
local user = user_of(ARGV[2])
if user == '' then
  return {'', '', '', 0}
end
local limit, by = limit_of(user)
local found, count = taken_by(user)
return {user, limit or '', by or '', count or '', unpack(found, 1, math.min(#found, 5000))}
