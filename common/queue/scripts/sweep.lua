-- SPDX-License-Identifier: Apache-2.0
-- sweep: asks for the comparison with what is owed, which is a rebuild where this server was never compared, or not since it got
-- these data, or where a part of them is lost. One that is under way goes on where it was, in the hands of its holder, or of who asks when they were too slow.
-- ARGV: holder, how long it is theirs in ms
-- Returns {1, whether it is a rebuild, where to go on}, or {0, 0, "0"} where somebody else does it.
local holder, hold_ms = ARGV[1], tonumber(ARGV[2])
local server = server_now()
local now = now_ms()

-- Every job is in one place, so what the places hold is what :jobs holds, as long as nobody but these scripts writes there.
local function is_whole()
    local placed = redis.call('ZCARD', delayed) + redis.call('ZCARD', leases)
    for _, class in ipairs({'h', 'n', 'l'}) do
        local ready = tonumber(redis.call('HGET', counts, class)) or 0
        if (ready > 0) ~= (redis.call('EXISTS', ring_key(class)) == 1) then
            return false
        end
        placed = placed + ready
    end
    return placed == redis.call('HLEN', jobs) and redis.call('HEXISTS', counts, 'is_damaged') == 0
end

-- Redis that throws keys away when it is full leaves jobs that are pending and in no place, which no push would bring back. So
-- all jobs are forgotten: those that are owed are pushed again, and what is being done is done for nothing at the worst. Lines
-- are looked for by name, since those that no ring knows are just what may not stay.
local function forget_jobs()
    local cursor = '0'
    repeat
        local found = redis.call('SCAN', cursor, 'MATCH', prefix .. ':line:*', 'COUNT', 1000)
        cursor = found[1]
        for _, line in ipairs(found[2]) do
            redis.call('DEL', line)
        end
    until cursor == '0'
    redis.call('DEL', jobs, delayed, leases, fences, lost, wake, counts, ring_key('h'), ring_key('n'), ring_key('l'),
               prefix .. ':epoch', prefix .. ':sweep')
end

local is_good, is_sound = pcall(is_whole)
if not is_good or not is_sound then
    forget_jobs()
end

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
