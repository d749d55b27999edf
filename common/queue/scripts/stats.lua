-- SPDX-License-Identifier: Apache-2.0
-- stats: counts. Those of the lines are sums over uploaders, of which there are few, so no counter can disagree with a line.
-- Returns ready high, normal, low; delayed; leased; dead; jobs.
local counts = {}
for _, class in ipairs({'h', 'n', 'l'}) do
    local ready = 0
    for _, uploader in ipairs(redis.call('LRANGE', ring_key(class), 0, -1)) do
        ready = ready + redis.call('LLEN', line_key(class, uploader))
    end
    table.insert(counts, ready)
end
table.insert(counts, redis.call('ZCARD', delayed))
table.insert(counts, redis.call('ZCARD', leases))
table.insert(counts, redis.call('HLEN', dead))
table.insert(counts, redis.call('HLEN', jobs))
return counts
