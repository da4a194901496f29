import { expect, test } from "bun:test";
import { BlockList } from "node:net";
import { Locality } from "../../otel/locality.ts";
import { describeKernel } from "../kernel.ts";

const MODULE = new URL("../../otel/locality.ts", import.meta.url).pathname;

/**
 * A host with an own address, a bridge that containers are plugged into, one that a device which leads elsewhere is plugged
 * into, a container with a device and a route of its own, and a neighbour behind a virtual pair without such a route.
 */
const HOST = `
  mount -t sysfs none /sys
  ip link set lo up
  ip link add eth0 type veth peer name wire
  ip link add box0 type veth peer name in0
  ip link add inner type bridge
  ip link set box0 master inner
  ip link add nic0 type ifb
  ip link add outer type bridge
  ip link set nic0 master outer
  ip link add pod0 type veth peer name in1
  for device in eth0 wire box0 in0 inner nic0 outer pod0; do ip link set $device up; done
  ip address add 192.0.2.1/24 dev eth0
  ip address add 2001:db8::1/64 dev eth0 nodad
  ip address add 172.30.0.1/24 dev inner
  ip address add fd30::1/64 dev inner nodad
  ip address add 172.31.0.1/24 dev outer
  ip route add 10.9.0.5/32 dev pod0
  ip -6 route add fd09::5/128 dev pod0
`;

const ASK = `
  const { readLocalAddresses } = await import(${JSON.stringify(MODULE)});
  const local = readLocalAddresses();
  const isLocal = (address) => local.check(address, address.includes(":") ? "ipv6" : "ipv4");
  console.log(JSON.stringify(process.argv.slice(1).filter(isLocal)));
`;

const LOCAL = [
  ["loopback", "127.0.0.1"],
  ["another address of loopback", "127.9.9.9"],
  ["loopback of IPv6", "::1"],
  ["an own address", "192.0.2.1"],
  ["an own address of IPv6", "2001:db8::1"],
  ["the bridge itself", "172.30.0.1"],
  ["a container on a bridge", "172.30.0.77"],
  ["a container on a bridge, of IPv6", "fd30::77"],
  ["a container with a route of its own", "10.9.0.5"],
  ["a container with a route of its own, of IPv6", "fd09::5"],
] as const;
const ELSEWHERE = [
  ["a neighbour", "192.0.2.2"],
  ["a neighbour of IPv6", "2001:db8::2"],
  ["a neighbour on a bridge that leads elsewhere", "172.31.0.77"],
  ["another container network's address", "10.9.0.6"],
  ["the internet", "8.8.8.8"],
] as const;

describeKernel("the addresses of a host", () => {
  test("are its own and its containers', and nobody else's", async () => {
    const addresses = [...LOCAL, ...ELSEWHERE].map(([, address]) => address);
    const script = `set -e\n${HOST}\nexec "$@"`;
    const argv = ["unshare", "--net", "--mount", "sh", "-c", script, "sh", process.execPath, "-e", ASK, ...addresses];
    const child = Bun.spawn(argv, { stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    expect([await child.exited, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toEqual(LOCAL.map(([, address]) => address));
  });
});

test("an address is looked up once, and the host's are read once for all of them", () => {
  let reads = 0;
  const locality = new Locality(() => {
    reads++;
    const list = new BlockList();
    list.addAddress("10.0.0.1");
    return list;
  });
  for (let i = 0; i < 10_000; i++) {
    expect(locality.isLocal("10.0.0.1")).toBe(true);
    expect(locality.isLocal(`10.1.${i >> 8}.${i & 255}`)).toBe(false);
  }
  expect(reads).toBe(1);
  locality.close();
});
