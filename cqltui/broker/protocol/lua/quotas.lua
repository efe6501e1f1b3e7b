-- Quotas of workers a user, over all campaigns of a server: who may have how many, and whose workers there are. The former
-- only an admin may write, where the server has users; the latter only the user, beside the admin.
local LIMITS, PLACES, LONGEST_USER = 'cqltui-quotas', 'cqltui-places:', 64

-- Whose worker it is: the server's user that is told, else the campaign's owner without the machine; '' for nobody.
local function user_of(told)
  if told == '' then
    -- Within a text of the campaign's the quotes would be escaped.
    told = string.match(call('hget', META, 'campaign') or '', '"owner": ?"([%w._?-]*)') or ''
  end
  return told == '-' and '' or string.sub(told, 1, LONGEST_USER)
end

-- How many workers the user may have, and who said so; nil for any number. A server's user of an earlier version's
-- rights may not read it.
local function limit_of(user)
  local said = redis.pcall('hget', LIMITS, user)
  local count, by = string.match(type(said) == 'string' and said or '', '^(%d+) %S+ (.*)$')
  return count and #count < 10 and tonumber(count) or nil, by
end

-- The user's workers that spoke lately: prefix|worker; and how many, nil where that cannot be read. Others keep their entry
-- as long as they are registered, since they may only be cut off.
local function taken_by(user)
  local LIVE_S, MOST = 60, 10000
  local places, found = PLACES .. user, {}
  local count = redis.pcall('hlen', places)
  if type(count) ~= 'number' or count > MOST then
    return found, type(count) == 'number' and count or nil
  end
  local held = call('hgetall', places)
  for i = 1, #held, 2 do
    local prefix, worker = string.match(held[i], '^(.*)|([^|]*)$')
    local w = prefix and redis.pcall('hmget', prefix .. 'cq:worker:' .. worker, 'instance', 'ts')
    if not w or (not w.err and w[1] ~= held[i + 1]) then
      redis.pcall('hdel', places, held[i]) -- it has left, or another has its id
    elseif not w.err and tonumber(NOW) - (tonumber(w[2] or '') or 0) <= LIVE_S then
      found[#found + 1] = held[i]
    end
  end
  return found, #found
end
