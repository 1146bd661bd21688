-- One line for each key of each database: its name and a digest of what it holds and when it expires.
local said = {}
local function read(kind, key)
  if kind == 'string' then return {redis.call('GET', key)} end
  if kind == 'list' then return redis.call('LRANGE', key, 0, -1) end
  if kind == 'zset' then return redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
  if kind == 'set' then local found = redis.call('SMEMBERS', key); table.sort(found); return found end
  if kind == 'hash' then
    local found, pairs_of = redis.call('HGETALL', key), {}
    for at = 1, #found, 2 do pairs_of[#pairs_of + 1] = found[at] .. '\0' .. found[at + 1] end
    table.sort(pairs_of)
    return pairs_of
  end
  local found = {}
  for _, one in ipairs(redis.call('XRANGE', key, '-', '+')) do found[#found + 1] = one[1] .. '\0' .. table.concat(one[2], '\0') end
  return found
end
for database = 0, 15 do
  redis.call('SELECT', database)
  for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind = redis.call('TYPE', key)['ok']
    said[#said + 1] = 'db' .. database .. ' ' .. string.format('%q', key) .. ' = ' .. kind .. ' '
      .. redis.sha1hex(table.concat(read(kind, key), '\1')) .. ' ' .. redis.call('PEXPIRETIME', key)
  end
end
return said
