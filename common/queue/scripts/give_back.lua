-- SPDX-License-Identifier: Apache-2.0
-- give_back: returns leased jobs that were never started, unchanged, to the front of their lines. From the last to the first, so
-- that they are taken again in the order in which they are given here.
-- ARGV: id and token, for each lease
-- Returns how many were given back; those whose token is stale are left alone.
local given = 0
go_on_when_full()
for i = #ARGV - 1, 1, -2 do
    local id = ARGV[i]
    if is_held(id, ARGV[i + 1]) then
        release(id)
        line_up(id, true)
        given = given + 1
    end
end
wake_up(given)
return given
