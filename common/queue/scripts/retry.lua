-- SPDX-License-Identifier: Apache-2.0
-- retry: gives a leased job back with a new payload, which holds its new counts; lost leases are forgotten, since the client has
-- counted them into the payload. Class and uploader stay.
-- ARGV: id, token, payload, delay in ms
-- Returns 1, or 0 where the token is stale.
local id, fence, payload, delay_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local class, uploader = parts_of(id)
if not class or not is_held(id, fence) then
    return 0
end
go_on_when_full()
release(id)
redis.call('HDEL', lost, id)
redis.call('HSET', jobs, id, class .. ':' .. uploader .. ':' .. payload)
if delay_ms > 0 then
    redis.call('ZADD', delayed, integer(now_ms() + delay_ms), id)
else
    join_line(id, class, uploader, false)
end
-- Also for a job that has to wait: who waits since before learns from its next take when this one is due.
wake_up(1)
return 1
