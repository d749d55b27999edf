-- SPDX-License-Identifier: Apache-2.0
-- sweep: asks for the comparison with what is owed, which is a rebuild where this server was never compared, or not since it got
-- these data. One that is under way goes on where it was, in the hands of its holder, or of who asks when they were too slow.
-- ARGV: holder, how long it is theirs in ms
-- Returns {1, whether it is a rebuild, where to go on}, or {0, 0, "0"} where somebody else does it.
local holder, hold_ms = ARGV[1], tonumber(ARGV[2])
local server = server_now()
local now = now_ms()
local other, until_ms, after = sweep_now(server)
if other and other ~= holder and until_ms > now then
    return {0, 0, '0'}
end
local is_rebuild = is_rebuild_due(server) and 1 or 0
after = other and after or '0'
go_on_when_full()
redis.call('HSET', prefix .. ':sweep', 'holder', holder, 'until_ms', integer(now + hold_ms), 'after', after, 'server', server,
           'is_rebuild', is_rebuild)
return {1, is_rebuild, after}
