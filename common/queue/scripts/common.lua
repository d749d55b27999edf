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
--   :wake     LIST  a bounded number of tokens, each of which wakes a worker
--   :counts   HASH  h, n, l -> jobs in the lines of that class; finished, expired -> so far; is_damaged -> where a line was gone
--   :paused   STRING "1" while nothing is handed out
--   :fence, :turn   STRING the last token and the last turn given
--   :epoch    STRING the server on which the queue was last compared with all that is owed (see server_now)
--   :sweep    HASH  holder, until_ms, after, server, is_rebuild         the comparison that is under way, if any
--   :workers  ZSET  holder -> until when its report counts, in ms
--   :reports  HASH  holder -> when it was told in ms, ":", msgpack map (queue_workers.c)
--
-- A job of :jobs is in exactly one of: a line, :delayed, :leases. The class and the uploader stand before the payload so that a
-- job can be put back by scripts, which know nothing of the payload.
local prefix = KEYS[1]
local jobs, delayed, leases = prefix .. ':jobs', prefix .. ':delayed', prefix .. ':leases'
local fences, lost, wake = prefix .. ':fences', prefix .. ':lost', prefix .. ':wake'
local counts, paused = prefix .. ':counts', prefix .. ':paused'
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

-- Lets a verb that ends or moves jobs go on when maxmemory is reached, or the queue could never get shorter. Redis refuses
-- only the first write of a script that way, and never one that can but free memory: so that one goes first. (Flags of a
-- script that say so would not be understood by Redis 6.)
local function go_on_when_full()
    redis.call('DEL', prefix .. ':nothing')
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

-- Puts a job that is in no other place into its line: as the last, or as the first, for jobs that had their turn before. Who
-- calls this counts it.
local function join_line_uncounted(id, class, uploader, is_first)
    local side = is_first and 'LPUSH' or 'RPUSH'
    if redis.call(side, line_key(class, uploader), id) == 1 then
        redis.call(side, ring_key(class), uploader)
    end
end

local function join_line(id, class, uploader, is_first)
    join_line_uncounted(id, class, uploader, is_first)
    redis.call('HINCRBY', counts, class, 1)
end

-- The same for a job of which only the id is at hand. Returns whether :jobs has it.
local function line_up(id, is_first)
    local class, uploader = parts_of(id)
    if not class then
        return false
    end
    join_line(id, class, uploader, is_first)
    return true
end

local function is_anything_ready()
    return redis.call('EXISTS', ring_key('h'), ring_key('n'), ring_key('l')) > 0
end

local function is_paused()
    return redis.call('EXISTS', paused) == 1
end

-- Wakes up to `count` workers that wait, now or as soon as they do.
local function wake_up(count)
    if count == 0 or is_paused() then
        return
    end
    local tokens = {}
    for i = 1, math.min(count, most_tokens - redis.call('LLEN', wake)) do
        tokens[i] = '1'
    end
    if #tokens > 0 then
        redis.call('RPUSH', wake, unpack(tokens))
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

-- The server, as it is now: another one after a restart (its run id), and after a change of who is its master (its replication
-- id), each of which may have brought older data.
local function server_now()
    local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
    local line = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
    return (run or '') .. ':' .. (line or '')
end

-- Whether everything that is owed has to be pushed again, since this server was never compared with it.
local function is_rebuild_due(server)
    return redis.call('GET', prefix .. ':epoch') ~= server
end

-- The sweep that is under way on this server: holder, until when it holds it, after; nil where there is none. What another
-- server was told, or what was begun before the epoch changed, is none.
local function sweep_now(server)
    local sweep = redis.call('HMGET', prefix .. ':sweep', 'holder', 'until_ms', 'after', 'server', 'is_rebuild')
    if sweep[4] ~= server or sweep[5] ~= (is_rebuild_due(server) and '1' or '0') then
        return nil
    end
    return sweep[1], tonumber(sweep[2]) or 0, sweep[3] or '0'
end
