-- SPDX-License-Identifier: Apache-2.0
-- take: leases jobs. Everything that time brings about happens here, since only a taker needs it: what is due joins its line,
-- and a job whose lease ran out goes to the front of its line with one lost lease more. Both in bounded portions, so that
-- no call holds up the others for long.
-- ARGV: most jobs, lease in ms
-- Returns a flat list: id, token, lost leases, payload; for each job.
local most, lease_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local portion = 128
local now = now_ms()

local moved = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', integer(now), 'LIMIT', 0, portion)) do
    redis.call('ZREM', delayed, id)
    line_up(id, false)
    moved = moved + 1
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', integer(now), 'LIMIT', 0, portion)) do
    release(id)
    if line_up(id, true) then
        redis.call('HINCRBY', lost, id, 1)
        moved = moved + 1
    end
end

-- Of 10 turns low has 1, normal 2, high the others; a class that has nothing passes its turn on: to high, normal, low.
local function pick_class()
    local turn = redis.call('INCR', prefix .. ':turn') % 10
    local first = turn == 0 and 'l' or (turn == 3 or turn == 7) and 'n' or 'h'
    for _, class in ipairs({first, 'h', 'n', 'l'}) do
        if redis.call('EXISTS', ring_key(class)) == 1 then
            return class
        end
    end
    return nil
end

-- The first job of the uploader whose turn it is; the uploader goes to the end of the ring, or out of it with its last job.
local function pop(class)
    local uploader = redis.call('LPOP', ring_key(class))
    local line = line_key(class, uploader)
    local id = redis.call('LPOP', line)
    if redis.call('EXISTS', line) == 1 then
        redis.call('RPUSH', ring_key(class), uploader)
    end
    return id
end

-- Tokens start at the time in microseconds, and grow slower than it: after Redis was emptied, none of before can come again.
local function next_fence()
    local key = prefix .. ':fence'
    local fence = redis.call('INCR', key)
    if fence == 1 then
        local time = redis.call('TIME')
        fence = time[1] * 1000000 + time[2]
        redis.call('SET', key, integer(fence))
    end
    return integer(fence)
end

local taken = {}
for _ = 1, most do
    if not is_anything_ready() then
        break
    end
    local id = pop(pick_class())
    local _, _, payload = parts_of(id)
    if payload then
        local fence = next_fence()
        redis.call('ZADD', leases, integer(now + lease_ms), id)
        redis.call('HSET', fences, id, fence)
        table.insert(taken, id)
        table.insert(taken, fence)
        table.insert(taken, tonumber(redis.call('HGET', lost, id) or 0))
        table.insert(taken, payload)
    end
end

-- Nobody was woken for what only became ready here; and where nothing is left, nobody needs to be.
if not is_anything_ready() then
    redis.call('DEL', wake)
elseif moved > 0 then
    wake_up(moved)
end
return taken
