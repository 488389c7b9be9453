-- wrk: one-click POSTs, each with a token of its own from the file that TOKENS names; every thread has its part.
local threads, mine = {}, {}
function setup(t)
   t:set("part", #threads)
   table.insert(threads, t)
end
function init()
   local n = 0
   for token in io.lines(os.getenv("TOKENS")) do
      if n % tonumber(os.getenv("THREADS")) == part then mine[#mine + 1] = token end
      n = n + 1
   end
   at, bad = 0, 0
end
function request()
   at = at % #mine + 1
   return wrk.format("POST", "/u/" .. mine[at], {["Content-Type"] = "application/x-www-form-urlencoded"}, "List-Unsubscribe=One-Click")
end
function response(status)
   if status ~= 200 then bad = bad + 1 end
end
function done(summary, latency)
   local bad = 0
   for _, t in ipairs(threads) do bad = bad + t:get("bad") end
   print(string.format("posts %.0f p50_us %.0f p99_us %.0f bad %d", summary.requests / summary.duration * 1e6, latency:percentile(50), latency:percentile(99), bad))
end
