"""What Redis does in one step: Lua of Redis 6.2 commands only.

A stamp is the text `hard soft lsn`: readings of the clock and a position in the primary's log.
Readings are microseconds of Redis's time, made to grow, so that a flushed Redis does not begin at
readings that entries in processes already have.
"""

from __future__ import annotations

from typing import Final

INVALIDATE: Final = """
-- keys: clock, stream; arguments: prefix of stamps, their life, length of the stream, soft, lsn,
-- the packed groups, then the groups
local prev = tonumber(redis.call('GET', KEYS[1]) or '0')
local time = redis.call('TIME')
local clock = math.max(prev + 1, time[1] * 1000000 + time[2])
local text = string.format('%.0f', clock)
local lsn = tonumber(ARGV[5])
for i = 7, #ARGV do
  local key = ARGV[1] .. ARGV[i]
  local held = redis.call('GET', key)
  local hard, soft, seen = 0, 0, 0
  if held then
    hard, soft, seen = string.match(held, '^(%d+) (%d+) (%d+)$')
    hard, soft, seen = tonumber(hard), tonumber(soft), tonumber(seen)
  end
  if ARGV[4] == '1' then soft = clock else hard = clock end
  redis.call('SET', key, string.format('%.0f %.0f %.0f', hard, soft, math.max(seen, lsn)),
             'EX', ARGV[2])
end
redis.call('SET', KEYS[1], text)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], text .. '-0',
           'prev', string.format('%.0f', prev), 'lsn', ARGV[5], 'soft', ARGV[4], 'groups', ARGV[6])
return text
"""

FILL: Final = """
-- keys: lease, entry; arguments: token, clock before the load, lsn that the load had seen, whether
-- that counts, life of the entry (ms), the entry, prefix of stamps, their life, then the groups
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'lost', '0'} end
local began, seen = tonumber(ARGV[2]), tonumber(ARGV[3])
for i = 9, #ARGV do
  local key = ARGV[7] .. ARGV[i]
  local held = redis.call('GET', key)
  if held then
    local hard, soft, lsn = string.match(held, '^(%d+) (%d+) (%d+)$')
    if tonumber(hard) > began or tonumber(soft) > began then
      redis.call('DEL', KEYS[1])
      return {'raced', '0'}
    end
    if ARGV[4] == '1' and tonumber(lsn) > seen then return {'behind', lsn} end
    redis.call('EXPIRE', key, ARGV[8])
  else
    redis.call('SET', key, '0 0 0', 'EX', ARGV[8])
  end
end
redis.call('SET', KEYS[2], ARGV[6], 'PX', ARGV[5])
redis.call('DEL', KEYS[1])
return {'stored', '0'}
"""

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
