-- SPDX-License-Identifier: Apache-2.0
-- push_many: new jobs without delay, each as push does it.
-- ARGV: id, class letter, uploader, payload; for each job
-- Returns how many were not pending already.
local added = 0
local joined = {}
for i = 1, #ARGV, 4 do
    local id, class, uploader, payload = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    if redis.call('HSETNX', jobs, id, class .. ':' .. uploader .. ':' .. payload) == 1 then
        join_line_uncounted(id, class, uploader, false)
        joined[class] = (joined[class] or 0) + 1
        added = added + 1
    end
end
for class, number in pairs(joined) do
    redis.call('HINCRBY', counts, class, number)
end
wake_up(added)
return added
