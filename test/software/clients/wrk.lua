-- Numbers its requests, as many as the first argument says and so many in one packet as the second says, and stops when all
-- are answered: no request is under way when wrk ends. For one thread.
local total, together, asked, answered = 0, 1, 0, 0
local tried = false

function init(args)
  total, together = tonumber(args[1]), tonumber(args[2])
end

function request()
  -- wrk asks for one that it does not send.
  if tried and asked >= total then return "" end
  local packet = {}
  for i = 1, together do
    local number = tried and asked or 0
    local method = number % 5 == 4 and "POST" or "GET"
    local body = method == "POST" and string.rep("x", number % 1000) or nil
    packet[i] = wrk.format(method, "/small/" .. number .. "?echo=" .. string.rep("x", number % 61), nil, body)
    if tried then asked = asked + 1 end
  end
  tried = true
  return table.concat(packet)
end

function response()
  answered = answered + 1
  if answered == total then
    io.write("answered\n")
    io.flush()
    wrk.thread:stop()
  end
end

function done(summary)
  local errors = summary.errors
  print("errors " .. errors.connect + errors.read + errors.write + errors.status + errors.timeout)
end
