-- SPDX-License-Identifier: Apache-2.0
-- sweep_mark: tells how far the comparison has come, or that it is done. One whose time ran out is still its holder's until
-- somebody else asks.
-- ARGV: holder, where to go on, 1 where it is done, how long it is theirs in ms
-- Returns 1, or 0 where it is not the holder's: Redis was emptied or replaced, or another has it.
local holder, after, is_done, hold_ms = ARGV[1], ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])
local server = server_now()
if sweep_now(server) ~= holder then
    return 0
end
go_on_when_full()
if is_done then
    redis.call('SET', prefix .. ':epoch', server)
    redis.call('DEL', prefix .. ':sweep')
else
    redis.call('HSET', prefix .. ':sweep', 'after', after, 'until_ms', integer(now_ms() + hold_ms))
end
return 1
