-- SPDX-License-Identifier: Apache-2.0
-- renew: prolongs leases from now. A lease that ran out but was not taken back yet is still ours.
-- ARGV: lease in ms; then id and token, for each lease
-- Returns a list of 1 or 0 (the token is stale) for each.
local until_ms = integer(now_ms() + tonumber(ARGV[1]))
local held = {}
go_on_when_full()
for i = 2, #ARGV, 2 do
    local id = ARGV[i]
    if is_held(id, ARGV[i + 1]) then
        redis.call('ZADD', leases, until_ms, id)
        table.insert(held, 1)
    else
        table.insert(held, 0)
    end
end
return held
