-- SPDX-License-Identifier: Apache-2.0
-- stats: counts. Asked by every worker again and again, so it looks at a bounded number of lines, those whose turn is next and
-- those that had theirs last. Where these are all, they are counted; where there are more, :counts is believed, which every verb
-- keeps. The payload is looked into here alone, and only for when the oldest job was enqueued: the first of a line is its oldest,
-- but for those that had to wait for another attempt.
-- Returns ready high, normal, low; their oldest's age in ms; delayed; leased; jobs; finished; expired; paused.
local most_lines, most_payload_bytes = 32, 1024
local now = now_ms()
local known = redis.call('HMGET', counts, 'h', 'n', 'l', 'finished', 'expired')

local function number_of(text)
    return math.max(tonumber(text) or 0, 0)
end

local function age_of(id)
    local _, _, payload = parts_of(id)
    if not payload or #payload > most_payload_bytes then
        return 0
    end
    -- from the key on: what else is in the map, cmsgpack may not know
    local _, key_end = string.find(payload, '\171enqueued_at', 1, true)
    local is_good, _, at_ms = pcall(cmsgpack.unpack_one, payload, key_end)
    if key_end and is_good and type(at_ms) == 'number' and at_ms > 0 and at_ms < now then
        return now - at_ms
    end
    return 0
end

-- Jobs in these lines of a class, and the age of the oldest that stands first in one of them.
local function look_at(class, uploaders)
    local seen, oldest = 0, 0
    for _, uploader in ipairs(uploaders) do
        local line = line_key(class, uploader)
        local id = redis.call('LINDEX', line, 0)
        if id then
            seen = seen + redis.call('LLEN', line)
            oldest = math.max(oldest, age_of(id))
        end
    end
    return seen, oldest
end

local ready, ages = {}, {}
for i, class in ipairs({'h', 'n', 'l'}) do
    local ring = ring_key(class)
    local lines = redis.call('LLEN', ring)
    if lines <= most_lines then
        ready[i], ages[i] = look_at(class, redis.call('LRANGE', ring, 0, -1))
    else
        local first, first_age = look_at(class, redis.call('LRANGE', ring, 0, most_lines / 2 - 1))
        local last, last_age = look_at(class, redis.call('LRANGE', ring, -most_lines / 2, -1))
        ready[i] = math.max(number_of(known[i]), first + last)
        ages[i] = math.max(first_age, last_age)
    end
end
return {ready[1], ready[2], ready[3], ages[1], ages[2], ages[3], redis.call('ZCARD', delayed), redis.call('ZCARD', leases),
        redis.call('HLEN', jobs), number_of(known[4]), number_of(known[5]), is_paused() and 1 or 0}
