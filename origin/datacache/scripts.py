"""What Redis does in one step: Lua of Redis 6.2 commands only.

A stamp is the text `hard soft lsn`: readings of the clock and a position in the primary's log.
Readings are microseconds of Redis's time, made to grow, so that a flushed Redis does not begin at
readings that entries in processes already have.

The floor is the text `base highest`: no invalidation that Redis may have forgotten when the base
was asked of the primary is newer than it, and none at all is newer than the highest. It stands in
for stamps that are not there, and without a base for none: then the primary is asked again.
"""

from __future__ import annotations

from typing import Final

_COMMON: Final = """
local function reading(key)
  -- of the clock; what is no reading is none
  local held = redis.pcall('GET', key)
  local found = type(held) == 'string' and tonumber(held) or 0
  return (found >= 0 and found < 9007199254740992) and found or 0
end
local function stamp(key)
  -- nothing for a stamp that is not there, or is none
  local held = redis.pcall('GET', key)
  if type(held) ~= 'string' then return nil end
  local hard, soft, lsn = string.match(held, '^(%d+) (%d+) (%d+)$')
  return tonumber(hard), tonumber(soft), tonumber(lsn)
end
local function text(hard, soft, lsn) return string.format('%.0f %.0f %.0f', hard, soft, lsn) end
local function floor(key)
  -- base and highest; no base where nobody has asked the primary since the last was forgotten
  local held = redis.pcall('GET', key)
  if type(held) ~= 'string' then return nil, nil end
  local base, highest = string.match(held, '^(%d*)%-? (%d+)$')
  return tonumber(base), tonumber(highest)
end
local function set_floor(key, base, highest)
  local first = base and string.format('%.0f', base) or '-'
  redis.call('SET', key, first .. string.format(' %.0f', highest))
end
"""
INVALIDATE: Final = (
    _COMMON
    + """
-- keys: clock, stream, floor; arguments: prefix of stamps, their life, length of the stream, soft,
-- lsn, the packed groups, then the groups
local prev = reading(KEYS[1])
local time = redis.call('TIME')
local clock = math.max(prev + 1, time[1] * 1000000 + time[2])
local lsn = tonumber(ARGV[5])
local base, highest = floor(KEYS[3])
set_floor(KEYS[3], base, math.max(highest or 0, lsn))
for i = 7, #ARGV do
  local key = ARGV[1] .. ARGV[i]
  local hard, soft, seen = stamp(key)
  if not hard then
    -- forgotten: whatever lies there from before may have been invalidated hard
    hard, soft, seen = prev, 0, highest or 0
  end
  if ARGV[4] == '1' then soft = clock else hard = clock end
  redis.call('SET', key, text(hard, soft, math.max(seen, lsn)), 'EX', ARGV[2])
end
redis.call('SET', KEYS[1], string.format('%.0f', clock))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], string.format('%.0f-0', clock),
           'prev', string.format('%.0f', prev), 'lsn', ARGV[5], 'soft', ARGV[4], 'groups', ARGV[6])
return string.format('%.0f', clock)
"""
)

FILL: Final = (
    _COMMON
    + """
-- keys: lease, entry, clock, floor; arguments: token, clock before the load, lsn that the load had
-- seen, whether that counts, life of the entry (ms), the entry, prefix of stamps, whether the
-- primary stood at that lsn after the clock was read, then the groups
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'lost', '0'} end
local began, seen = tonumber(ARGV[2]), tonumber(ARGV[3])
local life = math.ceil(ARGV[5] / 1000) * 2 + 60
local is_raced = false
local base, highest = floor(KEYS[4])
if ARGV[4] == '1' and not base then
  -- forgotten, or never known: only who has asked the primary can say how new is new enough, and
  -- of what was invalidated since then the highest must be there
  if ARGV[8] ~= '1' or (not highest and reading(KEYS[3]) > began) then return {'behind', '-1'} end
  base, highest = seen, math.max(highest or 0, seen)
  set_floor(KEYS[4], base, highest)
end
for i = 9, #ARGV do
  local key = ARGV[7] .. ARGV[i]
  local hard, soft, lsn = stamp(key)
  if not hard then
    -- forgotten, or new: nothing is known of what was before the load, and if others were
    -- invalidated meanwhile, nothing of that either
    hard, soft, lsn = reading(KEYS[3]), 0, highest or 0
    redis.call('SET', key, text(hard, soft, lsn), 'EX', life)
  elseif redis.call('TTL', key) < life then
    redis.call('EXPIRE', key, life)
  end
  is_raced = is_raced or hard > began or soft > began
  local needed = math.max(lsn, base or 0)
  if not is_raced and ARGV[4] == '1' and needed > seen then
    return {'behind', string.format('%.0f', needed)}
  end
end
redis.call('DEL', KEYS[1])
if is_raced then return {'raced', '0'} end
redis.call('SET', KEYS[2], ARGV[6], 'PX', ARGV[5])
return {'stored', '0'}
"""
)

RENEW: Final = """
-- keys: lease; arguments: token, life in ms
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

RELEASE: Final = """
-- keys: lease; arguments: token
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""
