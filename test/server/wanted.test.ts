import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { HttpEvent, WantedTransactions } from "../../ffi/event.ts";
import { wanted_limits } from "../../ffi/layout.generated.ts";
import { isCheckable } from "../../ffi/wanted.ts";
import { filterSchema } from "../../server/filter.ts";
import { contains, parseAddress, parseNetwork } from "../../server/network.ts";
import { covers, NETWORKS_MAX, NOTHING, PORTS_MAX, wantedBy, wantedByAny } from "../../server/wanted.ts";
import { httpEvent } from "./fake.ts";
import { referenceSelects } from "./support/reference-filter.ts";

const net = (text: string) => parseNetwork(text) as NonNullable<ReturnType<typeof parseNetwork>>;
const of = (given: object) => wantedBy(filterSchema.parse(given));

describe("what a filter wants, in the kernel's terms", () => {
  test.each<[string, object, WantedTransactions]>([
    ["of no key is everything", {}, {}],
    ["says nothing of what the kernel cannot check", { path: "/a", method: "GET", minDurationMs: 5, sample: 0.5 }, {}],
    ["is the class of a status", { status: ["404", "500-502"] }, { statusClasses: [4, 5] }],
    ["has a class of which a part is excluded", { status: ["5xx", "!500"] }, { statusClasses: [5] }],
    ["has not one that is excluded as a whole", { status: "!2xx" }, { statusClasses: [0, 1, 3, 4, 5] }],
    ["has no response as a class", { status: "0" }, { statusClasses: [0] }],
    ["says nothing of statuses that are all", { status: ["!0", "!404"] }, {}],
    ["has ports", { port: ["80-82", "!81"] }, { serverPorts: [80, 82] }],
    ["says nothing of more ports than there is room for", { port: "8000-8032" }, {}],
    ["nor of ports that are only excluded", { port: "!80" }, {}],
    [
      "has networks",
      { client: "10.0.0.0/8", server: ["::1", "!::2"] },
      { clientNetworks: [net("10.0.0.0/8")], serverNetworks: [net("::1")] },
    ],
    ["is nothing when there is nothing", { port: ["80", "!80"] }, NOTHING],
    ["is nothing of another protocol", { protocol: "tcp" }, NOTHING],
  ])("%s", (_, given, wanted) => {
    expect(of(given)).toEqual(wanted);
    expect(isCheckable(of(given))).toBe(true);
  });

  test("of several is what any of them may want", () => {
    const all = [
      { status: "5xx", port: 80 },
      { status: "404", port: 81, client: "10.0.0.1" },
    ].map(of);
    expect(wantedByAny(all)).toEqual({ statusClasses: [4, 5], serverPorts: [80, 81] });
    expect(wantedByAny([...all, NOTHING])).toEqual(wantedByAny(all));
    expect(wantedByAny([NOTHING, NOTHING])).toBe(NOTHING);
    expect(wantedByAny([...all, of({})])).toEqual({});
    const ports = Array.from({ length: 40 }, (_, port) => of({ port, status: "5xx" }));
    expect(wantedByAny(ports)).toEqual({ statusClasses: [5] });
  });

  test("has as much room as the kernel", () => {
    expect({ PORTS_MAX, NETWORKS_MAX }).toEqual({
      PORTS_MAX: wanted_limits.WANTED_PORTS_MAX,
      NETWORKS_MAX: wanted_limits.WANTED_NETS_MAX,
    });
  });
});

const values = (...texts: string[]) =>
  fc.array(
    fc.tuple(fc.boolean(), fc.constantFrom(...texts)).map(([not, text]) => (not ? `!${text}` : text)),
    { minLength: 1, maxLength: 3 },
  );
const filters = fc
  .record(
    {
      protocol: values("http", "tcp"),
      status: values("0", "5xx", "404", "200-499", "999"),
      port: values("80", "8000-8003", "8000-9000", "443"),
      client: values("10.0.0.0/8", "10.1.0.0/16", "::/0", "192.168.0.1"),
      server: values("10.0.0.0/8", "fd00::/8"),
      path: values("/a"),
    },
    { requiredKeys: [] },
  )
  .map((given) => filterSchema.parse(given));
const events: fc.Arbitrary<HttpEvent> = fc
  .record({
    status: fc.constantFrom(0, 99, 200, 404, 500, 599, 600, 999),
    port: fc.constantFrom(80, 443, 8002, 8500, 1),
    client: fc.constantFrom("10.1.2.3", "10.2.2.3", "192.168.0.1", "fd00::1"),
    server: fc.constantFrom("10.1.2.3", "11.0.0.1", "fd00::1"),
  })
  .map(({ status, port, client, server }) =>
    httpEvent(1, { status, path: "/a", client: { address: client, port: 1 }, server: { address: server, port } }),
  );

/** As the program does it. */
function passes(wanted: WantedTransactions, { status, server, client }: HttpEvent): boolean {
  const { statusClasses, serverPorts, clientNetworks, serverNetworks } = wanted;
  const isIn = (networks: WantedTransactions["clientNetworks"], address: string) =>
    networks?.some((network) => contains(network, parseAddress(address) as Uint8Array)) ?? true;
  return (
    (statusClasses?.includes(Math.min(5, Math.floor(status / 100))) ?? true) &&
    (serverPorts?.includes(server.port) ?? true) &&
    isIn(clientNetworks, client.address) &&
    isIn(serverNetworks, server.address)
  );
}

test("whatever any of some filters selects, the kernel lets through", () => {
  fc.assert(
    fc.property(fc.array(filters, { minLength: 1, maxLength: 4 }), fc.array(events, { minLength: 20 }), (all, some) => {
      const union = wantedByAny(all.map(wantedBy));
      for (const filter of all) {
        expect(covers(union, wantedBy(filter))).toBe(true);
        for (const event of some)
          if (referenceSelects(filter, event))
            expect({ filter, event, passes: passes(union, event) }).toMatchObject({ passes: true });
      }
    }),
  );
});

test("what covers another lets through all that the other does", () => {
  let covered = 0;
  fc.assert(
    fc.property(filters, filters, fc.array(events, { minLength: 20 }), (one, other, some) => {
      const [whole, part] = [wantedBy(one), wantedBy(other)];
      if (!covers(whole, part)) return;
      covered++;
      for (const event of some) if (passes(part, event)) expect(passes(whole, event)).toBe(true);
    }),
    { numRuns: 1000 },
  );
  expect(covered).toBeGreaterThan(50);
});
