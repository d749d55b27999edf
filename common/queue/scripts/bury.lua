-- SPDX-License-Identifier: Apache-2.0
-- bury: moves a leased job to the dead letters, with what :jobs held of it, so that it can be pushed again.
-- ARGV: id, token, reason, sentence
-- Returns 1, or 0 where the token is stale.
local id, fence, reason, sentence = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if not is_held(id, fence) then
    return 0
end
local letter = {job = redis.call('HGET', jobs, id), reason = reason, sentence = sentence, at_ms = now_ms()}
redis.call('HSET', dead, id, cmsgpack.pack(letter))
release(id)
redis.call('HDEL', lost, id)
redis.call('HDEL', jobs, id)
return 1
