import { expect, test } from "bun:test";
import { isHostAllowed, isOriginAllowed } from "../../../server/access/origin.ts";

const rules = { allowedHosts: ["kernelcast.internal"], allowedOrigins: ["https://grafana.example"] };

test.each<[string | null, boolean]>([
  ["127.0.0.1:4320", true],
  ["127.0.0.1", true],
  ["[::1]:4320", true],
  ["10.0.0.7:4320", true],
  ["localhost:4320", true],
  ["LOCALHOST", true],
  ["kernelcast.localhost", true],
  ["kernelcast.internal:4320", true],
  ["Kernelcast.Internal", true],
  ["rebound.example:4320", false],
  ["localhost.example", false],
  ["127.0.0.1.example", false],
  ["notlocalhost", false],
  ["kernelcast.internal.example", false],
  ["user@127.0.0.1", false],
  ["127.0.0.1/x", false],
  ["", false],
  [null, false],
])("Host %j: %p", (host, allowed) => expect(isHostAllowed(host, rules)).toBe(allowed));

test.each<[string | null, string, boolean]>([
  [null, "127.0.0.1:4320", true],
  ["http://127.0.0.1:4320", "127.0.0.1:4320", true],
  ["https://127.0.0.1:4320", "127.0.0.1:4320", true],
  ["http://localhost:4320", "localhost:4320", true],
  ["https://grafana.example", "127.0.0.1:4320", true],
  ["http://grafana.example", "127.0.0.1:4320", false],
  ["https://grafana.example:8443", "127.0.0.1:4320", false],
  ["http://127.0.0.1:8080", "127.0.0.1:4320", false],
  ["http://localhost:4320", "127.0.0.1:4320", false],
  ["https://evil.example", "127.0.0.1:4320", false],
  ["null", "127.0.0.1:4320", false],
  ["", "127.0.0.1:4320", false],
  ["file://", "127.0.0.1:4320", false],
])("Origin %j at %s: %p", (origin, host, allowed) => expect(isOriginAllowed(origin, host, rules)).toBe(allowed));
