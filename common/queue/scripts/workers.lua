-- SPDX-License-Identifier: Apache-2.0
-- workers: what workers told lately.
-- ARGV: most workers
-- Returns a flat list: holder, age in ms, report; for each. What is no report is left out, and what was told in the future, before
-- the clock went back: who lives tells again.
local workers, reports = prefix .. ':workers', prefix .. ':reports'
local most_report_bytes = 2048
local now = now_ms()
local found = {}
for _, holder in ipairs(redis.call('ZRANGEBYSCORE', workers, '(' .. integer(now), '+inf', 'LIMIT', 0, ARGV[1])) do
    local text = redis.call('HGET', reports, holder)
    local at_ms, report = string.match(text or '', '^(%d+):(.*)$')
    at_ms = tonumber(at_ms)
    if at_ms and at_ms <= now + 1000 and #report <= most_report_bytes then
        table.insert(found, holder)
        table.insert(found, math.min(math.max(now - at_ms, 0), now))
        table.insert(found, report)
    end
end
return found
