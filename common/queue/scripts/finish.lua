-- SPDX-License-Identifier: Apache-2.0
-- finish: removes finished jobs, with all that was kept about them.
-- ARGV: id and token, for each lease
-- Returns how many were removed; those whose token is stale are left alone.
local removed = 0
go_on_when_full()
for i = 1, #ARGV, 2 do
    local id = ARGV[i]
    if is_held(id, ARGV[i + 1]) then
        release(id)
        redis.call('HDEL', lost, id)
        redis.call('HDEL', jobs, id)
        removed = removed + 1
    end
end
if removed > 0 then
    redis.call('HINCRBY', counts, 'finished', removed)
end
return removed
