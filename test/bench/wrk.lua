-- One line of JSON at the end of a run; with two arguments, a random pause of so many milliseconds before each request.
function init(args)
  local min, max = tonumber(args[1]), tonumber(args[2])
  if min and max then
    math.randomseed(tonumber(tostring({}):sub(8)) or os.time())
    delay = function() return math.random(min, max) end
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'RESULT {"requests":%d,"micros":%d,"p50Micros":%d,"p99Micros":%d,"maxMicros":%d,"errors":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
