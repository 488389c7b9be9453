-- wrk: one-click POSTs with tokens from a file, each once; or GETs of their pages.  wrk ... -- FILE POST|GET
local tokens, n = {}, 0
function init(args)
  for line in io.lines(args[1]) do tokens[#tokens + 1] = line end
  method = args[2]
end
local body, head = "List-Unsubscribe=One-Click", { ["Content-Type"] = "application/x-www-form-urlencoded" }
function request()
  n = n + 1
  local path = "/u/" .. tokens[(n - 1) % #tokens + 1]
  if method == "GET" then return wrk.format("GET", path) end
  return wrk.format("POST", path, head, body)
end
function done(s, l, r)
  io.write(string.format('{"requests":%d,"rate":%.1f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.2f,"errors":%d}\n',
    s.requests, s.requests / (s.duration / 1e6), l:percentile(50) / 1e3, l:percentile(99) / 1e3, l.max / 1e3,
    s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout))
end
