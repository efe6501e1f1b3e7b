-- Forms (cqltui/state/forms.py), put before the common parts: what the info and spec of many tasks have in common is a
-- field of the meta data, without which all is made again.
local FORMS, FORM = ARGV[1] .. 'cq:meta', 'form:'

local function keep_forms(first, last)
  for i = first, last, 2 do
    redis.call('hset', FORMS, FORM .. ARGV[i], ARGV[i + 1])
  end
end

-- The name of the form by which an info or spec is kept, and the values in it, a line each; nothing if it is kept whole.
local function form_of(stored)
  local at = string.find(stored, '"form":"', 1, true)
  if at then -- from there: a pattern is tried at each character
    return string.match(stored, '^"form":"(%x+)","put":%[(.*)%]}$', at)
  end
end

local function form_text(name)
  return redis.call('hget', FORMS, FORM .. name)
end

local MOST_VALUES = 31 -- a pattern has no more captures
local around = {} -- by form its text as `string.format` takes it, a pattern of its values, and how many they are

-- The text of a form with values in it, nothing where they are another number.
local function filled(form, ...)
  local last = select('#', ...) == form.count and select(form.count, ...)
  if last and not string.find(last, ',\n', 1, true) then
    return string.format(form.format, ...)
  end
end

-- The JSON of an info or spec, however it is kept.
local function whole(stored)
  local name, values = form_of(stored or '')
  if not name then
    return stored
  end
  local form = around[name]
  if not form then
    local format, count = string.gsub(string.gsub(form_text(name) or '', '%%', '%%%%'), '\n', '%%s')
    count = count <= MOST_VALUES and count or 0
    form = {format = format, count = count, values = '^' .. string.rep('(.-),\n', count - 1) .. '(.*)$'}
    around[name] = form
  end
  -- Else the form is lost, and soon all is made again.
  return filled(form, string.match(values, form.values)) or stored
end
