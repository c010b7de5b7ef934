-- Sends the requests of a file one after the other, each once, and notes how each was answered.
-- The file: for each request its length in eight digits, and the request.
local requests, place, log = nil, 1, nil

function init()
  local file = assert(io.open(os.getenv("REQUESTS"), "rb"))
  requests = file:read("*a")
  file:close()
end

function request()
  local length = tonumber(requests:sub(place, place + 7))
  if not length then
    return "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
  end
  local from = place + 8
  place = from + length
  return requests:sub(from, place - 1)
end

function response(status, headers, body)
  log = log or assert(io.open(os.getenv("ANSWERS"), "w"))
  log:write(status, " ", (body:gsub("%s+", " ")), "\n")
  log:flush()
end

function done(summary, latency)
  io.write(string.format(
    '{"microseconds": %d, "requests": %d, "median": %d, "p99": %d, "longest": %d, "errors": %d}\n',
    summary.duration, summary.requests, latency:percentile(50), latency:percentile(99), latency.max,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  ))
end
