-- SPDX-License-Identifier: Apache-2.0
-- finish: removes finished jobs, with all that was kept about them.
-- ARGV: id and token, for each lease
-- Returns how many were removed; those whose token is stale are left alone.
local portion = 256
local removed = 0
go_on_when_full()
for first = 1, #ARGV, 2 * portion do
    local ids, tokens = {}, {}
    for i = first, math.min(first + 2 * portion - 1, #ARGV), 2 do
        table.insert(ids, ARGV[i])
        table.insert(tokens, ARGV[i + 1])
    end
    local held = {}
    for i, token in ipairs(redis.call('HMGET', fences, unpack(ids))) do
        if token == tokens[i] then
            table.insert(held, ids[i])
        end
    end
    if #held > 0 then
        redis.call('ZREM', leases, unpack(held))
        redis.call('HDEL', fences, unpack(held))
        redis.call('HDEL', lost, unpack(held))
        removed = removed + redis.call('HDEL', jobs, unpack(held))
    end
end
if removed > 0 then
    redis.call('HINCRBY', counts, 'finished', removed)
end
return removed
