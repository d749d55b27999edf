-- SPDX-License-Identifier: Apache-2.0
-- sweep: asks for the comparison with what is owed, which is a rebuild where this server was never compared, or not since it got
-- these data, or where a part of them is lost. One that is under way goes on where it was, in the hands of its holder, or of who
-- asks when they were too slow.
-- ARGV: holder, how long it is theirs in ms
-- Returns {1, whether it is a rebuild, where to go on}, or {0, 0, "0"} where somebody else does it.
local holder, hold_ms = ARGV[1], tonumber(ARGV[2])
local server = server_now()
local now = now_ms()

local types = {
    [jobs] = 'hash', [fences] = 'hash', [lost] = 'hash', [counts] = 'hash', [prefix .. ':sweep'] = 'hash',
    [delayed] = 'zset', [leases] = 'zset', [wake] = 'list',
    [ring_key('h')] = 'list', [ring_key('n')] = 'list', [ring_key('l')] = 'list',
    [prefix .. ':fence'] = 'string', [prefix .. ':turn'] = 'string', [prefix .. ':epoch'] = 'string',
    [prefix .. ':workers'] = 'zset', [prefix .. ':reports'] = 'hash',
}

-- A key that somebody wrote over would make verbs fail for ever.
local function is_typed()
    for key, expected in pairs(types) do
        local found = redis.call('TYPE', key).ok
        if found ~= expected and found ~= 'none' then
            return false
        end
    end
    return true
end

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
-- are looked for by name, since those that no ring knows are just what may not stay. Freeing millions of jobs takes seconds, so
-- that is left to a thread of Redis'.
local function forget_jobs()
    local cursor = '0'
    local pattern = string.gsub(prefix, '[%[%]*?^\\]', '\\%0') .. ':line:*'
    repeat
        local found = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 1000)
        cursor = found[1]
        for _, line in ipairs(found[2]) do
            redis.call('UNLINK', line)
        end
    until cursor == '0'
    for key in pairs(types) do
        redis.call('UNLINK', key)
    end
end

if not is_typed() or not is_whole() then
    forget_jobs()
end

-- No time is as far away as that, but for one that was set before the clock went back.
local most_ms = 2 * hold_ms
local other, until_ms, after = sweep_now(server)
if other and other ~= holder and until_ms > now and until_ms <= now + most_ms then
    return {0, 0, '0'}
end
local is_rebuild = is_rebuild_due(server) and 1 or 0
after = other and after or '0'
go_on_when_full()
redis.call('HSET', prefix .. ':sweep', 'holder', holder, 'until_ms', integer(now + hold_ms), 'after', after, 'server', server,
           'is_rebuild', is_rebuild)
return {1, is_rebuild, after}
