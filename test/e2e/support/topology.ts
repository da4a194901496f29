import type { Network } from "./network.ts";

/** The service's network and a client's and a server's, in the order client, server, ... joined to it by a device each. */
type Join = (host: Network, ...others: Network[]) => Promise<void>;

/** Each of the others has 10.1.0.N and fd00::N, N from 1, on a device `portN` that is a port of the host's `bridge0`. */
export const joinByBridge: Join = async (host, ...others) => {
  await host.output("ip", "link", "add", "bridge0", "type", "bridge");
  await host.output("ip", "link", "set", "bridge0", "up");
  for (const [index, other] of others.entries()) {
    const n = index + 1;
    await host.link(`port${n}`, other);
    await host.output("ip", "link", "set", `port${n}`, "master", "bridge0", "up");
    await other.address(`port${n}`, `10.1.0.${n}/24`);
    await other.address(`port${n}`, `fd00::${n}/64`);
  }
};

/** Each of the others has 10.1.N.N and fd00:N::N, N from 1, and reaches the rest by the host's 10.1.N.254 and fd00:N::fe. */
export const joinByRoute: Join = async (host, ...others) => {
  await host.output("sysctl", "-q", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
  for (const [index, other] of others.entries()) {
    const n = index + 1;
    await host.link(`port${n}`, other);
    await host.address(`port${n}`, `10.1.${n}.254/24`);
    await host.address(`port${n}`, `fd00:${n}::fe/64`);
    await other.address(`port${n}`, `10.1.${n}.${n}/24`);
    await other.address(`port${n}`, `fd00:${n}::${n}/64`);
    await other.output("ip", "route", "add", "default", "via", `10.1.${n}.254`);
    await other.output("ip", "-6", "route", "add", "default", "via", `fd00:${n}::fe`);
  }
};
