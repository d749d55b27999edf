-- SPDX-License-Identifier: Apache-2.0
-- Stands before every script. KEYS[1] is the hash tag, "{prefix}"; no value is stored there, but every key starts with it, so
-- that all of them lie on one node of a cluster.
--
--   :jobs     HASH  id -> class letter, ":", uploader, ":", payload     every job that is not finished
--   :line:C:U LIST  ids that may be taken, of class C and uploader U
--   :ring:C   LIST  the uploaders with a line in class C, the next one first
--   :delayed  ZSET  id -> when it may be taken, in ms
--   :leases   ZSET  id -> when its lease runs out, in ms
--   :fences   HASH  id -> token of its lease
--   :lost     HASH  id -> leases that ran out, where any did
--   :dead     HASH  id -> msgpack map {job, reason, sentence, at_ms}
--   :wake     LIST  a bounded number of tokens, each of which wakes a worker
--   :fence, :turn   the last token and the last turn given
--
-- A job of :jobs is in exactly one of: a line, :delayed, :leases. The class and the uploader stand before the payload so that a
-- job can be put back by scripts, which know nothing of the payload.
local prefix = KEYS[1]
local jobs, delayed, leases = prefix .. ':jobs', prefix .. ':delayed', prefix .. ':leases'
local fences, lost, dead, wake = prefix .. ':fences', prefix .. ':lost', prefix .. ':dead', prefix .. ':wake'
local most_tokens = 64

-- Redis' own clock: those of the clients differ.
local function now_ms()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Lua would write large numbers as 1.7e+15.
local function integer(number)
    return string.format('%.0f', number)
end

local function ring_key(class)
    return prefix .. ':ring:' .. class
end

local function line_key(class, uploader)
    return prefix .. ':line:' .. class .. ':' .. uploader
end

-- class, uploader and payload of what :jobs holds; nil where there is no such job
local function parts_of(id)
    local job = redis.call('HGET', jobs, id)
    if not job then
        return nil
    end
    return string.match(job, '^([hnl]):(%d+):(.*)$')
end

-- Makes a job takable: as the last of its line, or as the first, for jobs that had their turn before.
local function line_up(id, is_first)
    local class, uploader = parts_of(id)
    if not class then
        return false
    end
    local side = is_first and 'LPUSH' or 'RPUSH'
    if redis.call(side, line_key(class, uploader), id) == 1 then
        redis.call(side, ring_key(class), uploader)
    end
    return true
end

local function is_anything_ready()
    return redis.call('EXISTS', ring_key('h'), ring_key('n'), ring_key('l')) > 0
end

-- Wakes up to `count` workers that wait, now or as soon as they do.
local function wake_up(count)
    count = math.min(count, most_tokens - redis.call('LLEN', wake))
    for _ = 1, count do
        redis.call('RPUSH', wake, '1')
    end
end

local function is_held(id, fence)
    return redis.call('HGET', fences, id) == fence
end

-- Ends a lease, however it ends.
local function release(id)
    redis.call('ZREM', leases, id)
    redis.call('HDEL', fences, id)
end
