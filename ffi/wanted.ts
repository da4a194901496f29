import type { Network, WantedTransactions } from "./event.ts";
import { http_net as Net, http_wanted as Wanted, wanted_limits } from "./layout.generated.ts";

const STATUS_CLASS_MAX = 5;

/** True when the kernel has the room and the terms for these conditions. */
export function isCheckable({
  statusClasses,
  serverPorts,
  clientNetworks,
  serverNetworks,
}: WantedTransactions): boolean {
  return (
    (statusClasses ?? []).every((digit) => Number.isInteger(digit) && digit >= 0 && digit <= STATUS_CLASS_MAX) &&
    [statusClasses, serverPorts, clientNetworks, serverNetworks].every((list) => list?.length !== 0) &&
    (serverPorts ?? []).length <= wanted_limits.WANTED_PORTS_MAX &&
    (clientNetworks ?? []).length <= wanted_limits.WANTED_NETS_MAX &&
    (serverNetworks ?? []).length <= wanted_limits.WANTED_NETS_MAX
  );
}

/** `struct http_wanted`. Call {@link isCheckable} first. */
export function encodeWanted(wanted: WantedTransactions): Buffer {
  const { statusClasses = [], serverPorts = [], clientNetworks = [], serverNetworks = [] } = wanted;
  const bytes = Buffer.alloc(Wanted.SIZE);
  const classes = statusClasses.reduce((bits, digit) => bits | (1 << digit), 0);
  bytes.writeUInt32LE(classes, Wanted.status_classes);
  bytes.writeUInt32LE(serverPorts.length, Wanted.port_count);
  bytes.writeUInt32LE(clientNetworks.length, Wanted.client_net_count);
  bytes.writeUInt32LE(serverNetworks.length, Wanted.server_net_count);
  for (const [index, port] of serverPorts.entries()) bytes.writeUInt16LE(port, Wanted.ports + index * 2);
  for (const [index, net] of clientNetworks.entries()) encodeNetwork(net, bytes, Wanted.client_nets + index * Net.SIZE);
  for (const [index, net] of serverNetworks.entries()) encodeNetwork(net, bytes, Wanted.server_nets + index * Net.SIZE);
  return bytes;
}

function encodeNetwork({ address, prefixLength }: Network, bytes: Buffer, at: number): void {
  for (let index = 0; index < 16; index++) {
    const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
    const mask = (0xff << (8 - bits)) & 0xff;
    bytes[at + Net.mask + index] = mask;
    bytes[at + Net.address + index] = (address[index] as number) & mask;
  }
}
