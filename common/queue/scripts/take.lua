-- SPDX-License-Identifier: Apache-2.0
-- take: leases jobs. Everything that time brings about happens here, since only a taker needs it: what is due joins its line,
-- and a job whose lease ran out goes to the front of its line with one lost lease more. Both in bounded portions, so that
-- no call holds up the others for long. While the queue is paused that is all.
-- ARGV: most jobs, lease in ms
-- Returns a list: in how many ms time alone makes a job ready, where none is now (else, or where nothing will, -1); then id,
-- token, lost leases, payload for each job.
local most, lease_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local portion = 128
local most_delay_ms = 300000 -- of a retry (job_retry.h)
local now = now_ms()
go_on_when_full()

-- Where the clock has gone back, what was set by it before lies too far ahead: leases of workers that died would last until it
-- is there again. The last token tells where it was (a second is no jump), and what is set since then lies before that.
local last_fence = tonumber(redis.call('GET', prefix .. ':fence')) or 0
local function bring_near(key, most_ms)
    local latest = now + most_ms
    local least = math.max(latest, math.floor(last_fence / 1000))
    for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', key, '+inf', '(' .. integer(least), 'LIMIT', 0, portion)) do
        redis.call('ZADD', key, integer(latest), id)
    end
end
if last_fence / 1000 > now + 1000 then
    bring_near(leases, lease_ms)
    bring_near(delayed, most_delay_ms)
end

local moved = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', integer(now), 'LIMIT', 0, portion)) do
    redis.call('ZREM', delayed, id)
    line_up(id, false)
    moved = moved + 1
end
local expired = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', integer(now), 'LIMIT', 0, portion)) do
    release(id)
    if line_up(id, true) then
        redis.call('HINCRBY', lost, id, 1)
        expired = expired + 1
    end
end
if expired > 0 then
    redis.call('HINCRBY', counts, 'expired', expired)
    moved = moved + expired
end
if is_paused() then
    redis.call('DEL', wake)
    return {-1}
end

-- Of 10 turns low has 1, normal 2, high the others; a class that has nothing passes its turn on: to high, normal, low.
local turn = tonumber(redis.call('GET', prefix .. ':turn')) or 0
local is_ready = {} -- by class, where it is known
local function pick_class()
    local next_turn = (turn + 1) % 10
    local first = next_turn == 0 and 'l' or (next_turn == 3 or next_turn == 7) and 'n' or 'h'
    for _, class in ipairs({first, 'h', 'n', 'l'}) do
        if is_ready[class] == nil then
            is_ready[class] = redis.call('EXISTS', ring_key(class)) == 1
        end
        if is_ready[class] then
            turn = next_turn
            return class
        end
    end
    return nil
end

-- The first job of the uploader whose turn it is; the uploader goes to the end of the ring, or out of it with its last job.
local popped = {}
local function pop(class)
    local uploader = redis.call('LPOP', ring_key(class))
    local line = line_key(class, uploader)
    local id = redis.call('LPOP', line)
    if redis.call('EXISTS', line) == 1 then
        redis.call('RPUSH', ring_key(class), uploader)
    else
        is_ready[class] = nil
    end
    if id then
        popped[class] = (popped[class] or 0) + 1
    else
        redis.call('HSET', counts, 'is_damaged', 1) -- the line is gone, and nobody knows what was in it
    end
    return id
end

local ids = {}
local passed_over = 0
for _ = 1, most do
    local class = pick_class()
    if not class then
        break
    end
    local id = pop(class)
    if id then
        table.insert(ids, id)
    else
        passed_over = passed_over + 1
    end
end

-- Tokens only grow, and none is below the time in microseconds: so none of before comes again after Redis was emptied, or
-- restored from a file that is older than the last tokens.
local time = redis.call('TIME')
local fence = math.max(last_fence + 1, time[1] * 1000000 + time[2])

-- Leases them all by one call a key.
local taken, ends, tokens = {}, {}, {}
if #ids > 0 then
    local until_ms = integer(now + lease_ms)
    local found = redis.call('HMGET', jobs, unpack(ids))
    local lost_leases = redis.call('HMGET', lost, unpack(ids))
    for i, id in ipairs(ids) do
        local payload = found[i] and string.match(found[i], '^[hnl]:%d+:(.*)$')
        if payload then
            local token = integer(fence)
            fence = fence + 1
            table.insert(ends, until_ms)
            table.insert(ends, id)
            table.insert(tokens, id)
            table.insert(tokens, token)
            table.insert(taken, id)
            table.insert(taken, token)
            table.insert(taken, tonumber(lost_leases[i]) or 0)
            table.insert(taken, payload)
        else
            passed_over = passed_over + 1
        end
    end
end
if #taken > 0 then
    redis.call('ZADD', leases, unpack(ends))
    redis.call('HSET', fences, unpack(tokens))
    redis.call('SET', prefix .. ':fence', integer(fence - 1))
    redis.call('SET', prefix .. ':turn', integer(turn))
end

-- Where a class is empty its count is known, whatever anybody did to the keys.
for class, number in pairs(popped) do
    if redis.call('EXISTS', ring_key(class)) == 1 then
        redis.call('HINCRBY', counts, class, -number)
    else
        redis.call('HDEL', counts, class)
    end
end

-- Nobody was woken for what only became ready here; and where nothing is left, nobody needs to be.
if not is_anything_ready() then
    redis.call('DEL', wake)
else
    wake_up(moved + passed_over)
end

-- Who waits now shall not sleep past what becomes due: nobody is woken by time.
local function due_in_ms()
    local first_ms = math.huge
    for _, key in ipairs({delayed, leases}) do
        first_ms = math.min(first_ms, tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]) or math.huge)
    end
    return first_ms < math.huge and math.max(first_ms - now, 0) or -1
end
table.insert(taken, 1, #taken == 0 and due_in_ms() or -1)
return taken
