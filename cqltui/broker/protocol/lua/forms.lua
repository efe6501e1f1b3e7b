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
  if string.find(stored, '"form":"', 1, true) then
    return string.match(stored, '"form":"(%x+)","put":%[(.*)%]}$')
  end
end

local function form_text(name)
  return redis.call('hget', FORMS, FORM .. name)
end

-- A text cut at a mark. By hand: patterns look at each character.
local function split(text, mark)
  local parts, from = {}, 1
  while true do
    local at, last = string.find(text, mark, from, true)
    parts[#parts + 1] = string.sub(text, from, at and at - 1)
    if not at then
      return parts
    end
    from = last + 1
  end
end

local around = {} -- by form the parts of its text

-- The JSON of an info or spec, however it is kept.
local function whole(stored)
  local name, values = form_of(stored or '')
  if not name then
    return stored
  end
  around[name] = around[name] or split(form_text(name) or '', '\n')
  local own, parts, out = split(values, ',\n'), around[name], {}
  if #parts ~= #own + 1 then -- the form is lost, and soon all is made again
    return stored
  end
  for i, value in ipairs(own) do
    out[2 * i - 1], out[2 * i] = parts[i], value
  end
  out[#out + 1] = parts[#parts]
  return table.concat(out)
end

