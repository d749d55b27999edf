-- SPDX-License-Identifier: Apache-2.0
-- push: a new job. Pushing an id that is pending changes nothing, so a client whose answer was lost may push again.
-- ARGV: id, class letter, uploader, payload, delay in ms
-- Returns 1, or 0 where it was pending already.
local id, class, uploader, payload, delay_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
if redis.call('HSETNX', jobs, id, class .. ':' .. uploader .. ':' .. payload) == 0 then
    return 0
end
if delay_ms > 0 then
    redis.call('ZADD', delayed, integer(now_ms() + delay_ms), id)
else
    join_line(id, class, uploader, false)
    wake_up(1)
end
return 1
