import { expect, test } from "bun:test";
import { routesV4, routesV6 } from "../../otel/host-routes.ts";

const HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";

test.each([
  ["a single address over a device", "cali0\t0500090A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0", "10.9.0.5 cali0"],
  ["a single address behind a gateway", "eth0\t0500090A\t010200C0\t0007\t0\t0\t0\tFFFFFFFF\t0\t0\t0", undefined],
  ["a network", "br0\t00001EAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0", undefined],
  ["the default route", "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0", undefined],
])("IPv4: %s", (_name, line, route) => {
  expect(routesV4([HEADER, line]).map(({ address, device }) => `${address} ${device}`)).toEqual(route ? [route] : []);
});

const NONE = "0".repeat(32);
const POD = "fd090000000000000000000000000005";

test.each([
  ["a single address over a device", `${POD} 80 ${NONE} 00 ${NONE} 00000400 1 0 1    cali0`, "cali0"],
  ["a single address behind a gateway", `${POD} 80 ${NONE} 00 ${POD} 00000400 1 0 1    eth0`, undefined],
  ["a network", `${POD} 40 ${NONE} 00 ${NONE} 00000400 1 0 1     eth0`, undefined],
])("IPv6: %s", (_name, line, device) => {
  const expected = device ? [{ address: "fd09:0000:0000:0000:0000:0000:0000:0005", device }] : [];
  expect(routesV6([line])).toEqual(expected);
});
