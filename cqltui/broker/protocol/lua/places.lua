-- ARGV: prefix, whose (as in user_of). Returns the user, how many workers that one may have ('' for any number), who said
-- so, how many there are ('' where that cannot be read), and which: prefix|worker, ...
allow_full_server()
local user = user_of(ARGV[2])
if user == '' then
  return {'', '', '', 0}
end
local limit, by = limit_of(user)
local found, count = taken_by(user)
return {user, limit or '', by or '', count or '', unpack(found, 1, math.min(#found, 5000))}
