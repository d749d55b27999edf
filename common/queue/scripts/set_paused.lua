-- SPDX-License-Identifier: Apache-2.0
-- set_paused: stops handing out jobs, or goes on and wakes the workers that wait.
-- ARGV: 1 to pause, 0 to go on
-- Returns 1 where that was a change, 0 where it was so already.
go_on_when_full()
if ARGV[1] == '1' then
    redis.call('DEL', wake)
    return redis.call('SETNX', paused, '1')
end
local is_change = redis.call('DEL', paused)
if is_anything_ready() then
    wake_up(most_tokens)
end
return is_change
