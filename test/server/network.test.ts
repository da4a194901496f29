import { expect, test } from "bun:test";
import { contains, formatNetwork, parseAddress, parseNetwork } from "../../server/network.ts";

test.each<[string, string, string[], string[]]>([
  ["10.0.0.0/8", "10.0.0.0/8", ["10.255.0.1", "::ffff:10.1.1.1"], ["11.0.0.1", "::10.0.0.1"]],
  ["192.168.1.130/25", "192.168.1.128/25", ["192.168.1.255"], ["192.168.1.127"]],
  ["0.0.0.0/0", "0.0.0.0/0", ["1.2.3.4"], ["::1"]],
  ["::/0", "::/0", ["1.2.3.4", "fe80::1"], []],
  ["127.0.0.1", "127.0.0.1", ["127.0.0.1"], ["127.0.0.2"]],
  ["FE80::1", "fe80::1", ["fe80::1"], ["fe80::2"]],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", ["2001:db8::1:0:0:1"], ["2001:db8::1"]],
  ["2001:db8::/33", "2001:db8::/33", ["2001:db8:7fff::"], ["2001:db8:8000::"]],
  ["::ffff:1.2.3.4/120", "1.2.3.0/24", ["1.2.3.9"], ["1.2.4.0"]],
])("%s is %s", (text, canonical, those, others) => {
  const network = parseNetwork(text);
  if (network === undefined) throw new Error("it is a network");
  expect(formatNetwork(network)).toBe(canonical);
  expect(parseNetwork(canonical)).toEqual(network);
  const isIn = (address: string) => contains(network, parseAddress(address) as Uint8Array);
  for (const address of those) expect([address, isIn(address)]).toEqual([address, true]);
  for (const address of others) expect([address, isIn(address)]).toEqual([address, false]);
});

test.each(["", "/8", "1.2.3", "1.2.3.4/33", "::/129", ":::", "1::2::3", "a.b", "fe80::1%lo", "1.2.3.4/8/8"])(
  "%p is no network",
  (text) => expect(parseNetwork(text)).toBeUndefined(),
);
