-- SPDX-License-Identifier: Apache-2.0
-- beat: keeps what a worker tells of itself for a while. Those that are past go first; where there are too many still, the one
-- that would be past next. The keys go with the last worker.
-- ARGV: holder, report, how long it counts in ms, most workers
-- Returns how many workers are known.
local holder, report, live_ms, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local workers, reports = prefix .. ':workers', prefix .. ':reports'
local portion = 64
local now = now_ms()

local function forget(holders)
    for _, other in ipairs(holders) do
        redis.call('ZREM', workers, other)
        redis.call('HDEL', reports, other)
    end
end

go_on_when_full()
forget(redis.call('ZRANGEBYSCORE', workers, '-inf', integer(now), 'LIMIT', 0, portion))
redis.call('ZADD', workers, integer(now + live_ms), holder)
redis.call('HSET', reports, holder, integer(now) .. ':' .. report)
local known = redis.call('ZCARD', workers)
if known > most then
    forget(redis.call('ZRANGE', workers, 0, math.min(known - most, portion) - 1))
end
for _, key in ipairs({workers, reports}) do
    if redis.call('PTTL', key) < live_ms then
        redis.call('PEXPIRE', key, integer(live_ms))
    end
end
return redis.call('ZCARD', workers)
