import { text_limits } from "../../../ffi/layout.generated.ts";
import type { Random } from "../../ffi/support/random.ts";
import { type HttpFields, ipv4, ipv6, type Text } from "../../ffi/support/ring.ts";

const LIMITS = {
  method: text_limits.HTTP_METHOD_MAX,
  target: text_limits.HTTP_TARGET_MAX,
  host: text_limits.HTTP_HOST_MAX,
  userAgent: text_limits.HTTP_USER_AGENT_MAX,
  traceparent: text_limits.HTTP_TRACEPARENT_MAX,
  tracestate: text_limits.HTTP_TRACESTATE_MAX,
};

const BOOT_NS = 1_790_000_000_000_000_000n;
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

const TRACESTATES = [
  "ot=th:c",
  "ot=th:c,rv:1, vendor@x=1 2",
  "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
  "=,,a",
  "\u00fc=1,b=2",
  "k=v".padEnd(64, ","),
  `${"k".repeat(30)}=1,${"v".repeat(60)}=2`,
];
const METHODS = [
  "GET",
  "GET",
  "GET",
  "POST",
  "PUT",
  "HEAD",
  "CONNECT",
  "OPTIONS",
  "QUERY",
  "get",
  "PROPFIND",
  "",
  "G\u00c9T",
  "GET\u0000",
];
const PATHS = ["/", "/users/42", "/users/42", "/a%20b/c.html", "//x", "/\u00fc\u4e16/\u{1f600}", `/${"x".repeat(120)}`];
const ODD_TARGETS = [
  "*",
  "",
  "h.example:443",
  "http://h.example",
  "http://h.example:81/p/q",
  "HTTPS://u:p@h.example/p",
  "http://[::1]:8080/",
  "ftp://h/x",
  "x/y",
  "http:///",
];
const QUERIES = ["", "a=1", "a=1&sig=secret&b=2", "\u00e4=\u00f6", "X-Amz-Signature=1", "&&=", "%zz=1"];
const HOSTS = [
  "api.local",
  "api.local:8080",
  "a.b:443",
  "[::1]:80",
  "[fe80::1%25eth0]",
  "a b",
  "h:0",
  "h:99999",
  "\u00fc.example",
  "api.local\u0000",
];
const USER_AGENTS = [
  "curl/8",
  "wrk",
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
  "\u00fcber/1",
  "wrk\u0000",
];
const TRACEPARENTS = [
  `00-${TRACE}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-00`,
  `00-${TRACE}-${SPAN}-ff`,
  `00-${TRACE}-${"0".repeat(16)}-01`,
  `00-${"0".repeat(32)}-${SPAN}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-0g`,
  `00-${TRACE}-${SPAN}_01`,
  `00-${TRACE}_${SPAN}-01`,
  `01-${TRACE}-${SPAN}-03`,
  `01-${TRACE}-${SPAN}-03-`,
  `ff-${TRACE}-${SPAN}-01`,
  ` 00-${TRACE}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01 `,
  `00-${TRACE}-${SPAN}-1`,
  "00-",
];
const CLIENTS = [
  ipv4(10, 0, 0, 7),
  ipv4(127, 0, 0, 1),
  ipv6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
  ipv6(0, 0, 0, 0, 0, 0, 0, 0),
];
const PORTS = [0, 1, 80, 127, 128, 443, 8080, 16_383, 16_384, 51_514, 65_535];
const STATUSES = [0, 1, 99, 100, 101, 200, 200, 200, 204, 301, 400, 404, 499, 500, 503, 599, 600, 999, 65_535];
const SIZES = [0n, 1n, 127n, 128n, 16_383n, 16_384n, 2n ** 31n, 2n ** 32n, 2n ** 53n - 1n];
const DURATIONS = [0n, 1n, 999_999_999n, 1_000_000_000n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 52n, -1n, -(2n ** 33n)];

/**
 * Any event that the kernel could write: mostly ordinary ones, which repeat, with edges and bytes that mean nothing strewn in.
 * targetMax: bytes of target that the build keeps.
 */
function anyHttpFields(random: Random, targetMax: number = LIMITS.target): HttpFields {
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)] as T;
  const chance = (oneIn: number) => random.below(oneIn) === 0;
  const bytes = (max: number) => Uint8Array.from({ length: random.below(max + 1) }, () => random.below(256));
  const ascii = (max: number) => Buffer.from(bytes(max).map((byte) => 33 + (byte % 94)));
  const text = (values: readonly string[], max: number): Text => {
    if (chance(40)) return cut(bytes(max), max);
    if (chance(20)) return cut(ascii(max), max);
    if (chance(40)) return cut(Buffer.from(pick(values).padEnd(max + 8, "\u00e9")), max);
    return cut(Buffer.from(pick(values)), max);
  };
  const address = () =>
    chance(4) ? ipv4(random.below(256), random.below(256), random.below(256), random.below(256)) : pick(CLIENTS);
  const port = () => (chance(2) ? random.below(65_536) : pick(PORTS));

  const startNs = chance(20)
    ? BigInt(random.u32()) << BigInt(random.below(33))
    : BOOT_NS + BigInt(random.u32()) * 7919n;
  const duration = chance(3) ? pick(DURATIONS) : BigInt(random.u32());
  const path = cut(chance(8) ? Buffer.from(pick(ODD_TARGETS)) : Buffer.from(anyPath()), targetMax);
  const query = chance(6) ? Buffer.from(`?${pick(QUERIES)}`) : Buffer.alloc(0);
  const target = cut(Buffer.concat([path, query]), targetMax);

  function anyPath(): Text {
    if (chance(30)) return Buffer.concat([Buffer.from("/"), bytes(targetMax)]);
    if (chance(10)) return Buffer.concat([Buffer.from("/"), ascii(targetMax)]);
    return chance(3) ? `/items/${random.below(1000)}` : pick(PATHS);
  }

  return {
    startNs,
    endNs: startNs + duration < 0n ? 0n : startNs + duration,
    firstByteNs: chance(3) ? 0n : startNs + 1n,
    requestBodyBytes: pick(SIZES),
    responseBodyBytes: pick(SIZES),
    client: address(),
    server: address(),
    ...(chance(5) ? { answered: address(), answeredPort: port() } : {}),
    clientPort: port(),
    serverPort: port(),
    status: chance(10) ? random.below(65_536) : pick(STATUSES),
    version: random.below(4),
    outcome: chance(3) ? random.below(7) : 0,
    truncated: chance(10),
    method: text(METHODS, LIMITS.method),
    target,
    pathLength: path.length,
    ...(chance(6) ? {} : { host: text(HOSTS, LIMITS.host) }),
    ...(chance(6) ? {} : { userAgent: text(USER_AGENTS, LIMITS.userAgent) }),
    ...(chance(2) ? {} : { traceparent: text(TRACEPARENTS, LIMITS.traceparent) }),
    ...(chance(2) ? {} : { tracestate: text(TRACESTATES, LIMITS.tracestate) }),
  };
}

const cut = (bytes: Uint8Array, max: number): Uint8Array => bytes.subarray(0, max);

export { anyHttpFields };
