import { expect, test } from "bun:test";
import fc from "fast-check";
import { clockOffset } from "../../ffi/clock.ts";
import type { TcpEvent } from "../../ffi/event.ts";
import { HttpCursor } from "../../ffi/http-cursor.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { type Filter, filterSchema } from "../../server/filter.ts";
import { compileEvent } from "../../server/filter-event.ts";
import { RawFilter } from "../../server/filter-raw.ts";
import { HttpSubject } from "../../server/http-subject.ts";
import { hasPairs } from "../../server/path-pairs.ts";
import { Random } from "../ffi/support/random.ts";
import { httpBatch } from "../ffi/support/ring.ts";
import { anyHttpFields } from "../otel/support/http-fields.ts";
import { referenceSelects } from "./support/reference-filter.ts";

const RUNS = 400;
const EVENTS = 40;
const CLOCK = clockOffset(0n);
const POLICIES = [
  new TargetPolicy(),
  new TargetPolicy({ redactions: [{ pattern: "\\d+", replacement: "\u00fc*" }] }),
  new TargetPolicy({ templates: ["/users/{id}"], templateOnly: true }),
];

const values = (one: fc.Arbitrary<string>) =>
  fc.array(
    fc.tuple(fc.boolean(), one).map(([negated, value]) => (negated ? `!${value}` : value)),
    { minLength: 1, maxLength: 3 },
  );

/** Any of the texts, a part of it replaced by stars, again and again. */
const globOf = (...texts: string[]) =>
  fc
    .tuple(
      fc.constantFrom(...texts),
      fc.array(fc.tuple(fc.nat(40), fc.nat(8), fc.constantFrom("*", "**")), { maxLength: 3 }),
    )
    .map(([text, cuts]) =>
      cuts.reduce((left, [at, length, star]) => Array.from(left).toSpliced(at, length, star).join(""), text),
    )
    .map((pattern) => pattern.replace(/^[^/*]/, "*"));

const range = (...numbers: number[]) =>
  fc
    .tuple(fc.constantFrom(...numbers), fc.constantFrom(...numbers))
    .map(([a, b]) => (a === b ? String(a) : `${Math.min(a, b)}-${Math.max(a, b)}`));

const address = fc.constantFrom(
  "10.0.0.7",
  "127.0.0.1",
  "2001:db8::1",
  "::",
  "::ffff:10.0.0.7",
  "10.0.0.0",
  "64.1.2.3",
);
const network = fc
  .tuple(address, fc.nat(128))
  .map(([text, bits]) => `${text}/${text.includes(":") ? bits : bits % 33}`);

const filterGiven = fc.record(
  {
    protocol: values(fc.constantFrom("http", "tcp")),
    method: values(fc.constantFrom("GET", "get", "POST", "PROPFIND", "QUERY", "HEAD")),
    status: values(fc.oneof(fc.constantFrom("2xx", "5xx", "200", "0", "404"), range(0, 99, 200, 300, 499, 600, 999))),
    path: values(
      globOf(
        "/users/42",
        "/items/7",
        "/a%20b/c.html",
        "/\u00fc\u4e16/\u{1f600}",
        "/users/\u00fc*",
        "/",
        `/${"x".repeat(120)}`,
      ),
    ),
    host: values(
      globOf("api.local", "API.local:8080", "[::1]:80", "\u00fc.example").map((host) => host.replaceAll("/", "")),
    ),
    port: values(range(0, 80, 443, 8080, 51_514, 65_535)),
    client: values(fc.oneof(address, network)),
    server: values(fc.oneof(address, network)),
    minDurationMs: fc.constantFrom(0, 0.5, 1000, 4_000_000),
    sample: fc.constantFrom("1/2", "0.1", "1", "0.999"),
  },
  { requiredKeys: [] },
);
/** As a rule one or two keys: of more hardly anything is left. */
const filters = fc
  .tuple(filterGiven, fc.array(fc.nat(9), { minLength: 1, maxLength: 3 }))
  .map(([given, kept]) => Object.fromEntries(Object.entries(given).filter((_, index) => kept.includes(index % 10))))
  .map((given): Filter => filterSchema.parse(given));

test("raw events, decoded ones and the reference are selected alike, whatever event and filter", () => {
  const subject = new HttpSubject();
  let selected = 0;
  let refused = 0;
  fc.assert(
    fc.property(filters, fc.nat(), fc.constantFrom(...POLICIES), (filter, seed, policy) => {
      const random = new Random(seed);
      const cursor = new HttpCursor(policy);
      cursor.open(httpBatch(Array.from({ length: EVENTS }, () => anyHttpFields(random))), 1 + random.u32(), CLOCK);
      const raw = new RawFilter(filter);
      const decoded = compileEvent(filter);
      for (let index = 0; index < EVENTS; index++) {
        const event = cursor.at(index);
        subject.look(event);
        // As is done when there are many filters, and then says beforehand which need not be asked.
        if (index % 2 === 0) subject.readPathPairs();
        const object = event.decode();
        const expected = referenceSelects(filter, object);
        const given = { filter, object, raw: raw.selects(subject), decoded: decoded(object) };
        if (expected) expect(hasPairs(subject.pathPairs, raw.pathPairs)).toBe(true);
        expect(given).toEqual({ filter, object, raw: expected, decoded: expected });
        if (expected) selected++;
        else refused++;
      }
    }),
    { numRuns: RUNS },
  );
  // Neither answer is rare, or the agreement would say little.
  expect(Math.min(selected, refused) / (selected + refused)).toBeGreaterThan(0.1);
});

const tcpEvents = fc.record({
  protocol: fc.constant("tcp" as const),
  seq: fc.integer({ min: 1 }),
  cpu: fc.constant(0),
  startTimeUnixNano: fc.constant("1"),
  durationNano: fc.constantFrom(0, 500_000, 2_000_000_000),
  local: fc.record({ address, port: fc.constantFrom(80, 8080, 51_514) }),
  remote: fc.record({ address, port: fc.constantFrom(80, 8080, 51_514) }),
  role: fc.constantFrom("client" as const, "server" as const),
  bytesSent: fc.constant(0),
  bytesReceived: fc.constant(0),
  retransmits: fc.constant(0),
  outcome: fc.constant("fin" as const),
}) satisfies fc.Arbitrary<TcpEvent>;

test("connections and the reference are selected alike; a key that is of HTTP alone selects none", () => {
  let selected = 0;
  fc.assert(
    fc.property(filters, fc.array(tcpEvents, { minLength: EVENTS, maxLength: EVENTS }), (filter, events) => {
      const matches = compileEvent(filter);
      for (const event of events) {
        const written = { ...event, local: canonical(event.local), remote: canonical(event.remote) };
        expect({ filter, event, selects: matches(written) }).toEqual({
          filter,
          event,
          selects: referenceSelects(filter, written),
        });
        if (matches(written)) selected++;
      }
    }),
    { numRuns: RUNS },
  );
  expect(selected).toBeGreaterThan(RUNS);
});

/** As events have addresses. */
const canonical = ({ address, port }: { address: string; port: number }) => ({
  address: address.replace("::ffff:", ""),
  port,
});
