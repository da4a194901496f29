/**
 * Networks in CIDR notation, of either family. IPv4 addresses are the IPv6 ones that stand for them, `::ffff:a.b.c.d`.
 * @module
 */

import { isIPv4, isIPv6 } from "node:net";
import type { Network } from "../ffi/event.ts";

const ADDRESS_BITS = 128;
const IPV4_BITS = 32;

/** 16 bytes, network order; undefined when the text is no address. */
const parseAddress = (text: string): Uint8Array | undefined => {
  if (isIPv4(text))
    return Uint8Array.from([...new Array<number>(10).fill(0), 255, 255, ...text.split(".").map(Number)]);
  if (!isIPv6(text) || text.includes("%")) return undefined;
  // Its last 32 bits may be written as IPv4.
  const dotted = /[\d.]+$/.exec(text)?.[0] ?? "";
  const [left = [], right = []] = (dotted.includes(".") ? text.slice(0, -dotted.length) + groupsOf(dotted) : text)
    .split("::")
    .map((part) => part.split(":").filter((group) => group !== ""));
  const groups = [...left, ...new Array<string>(8 - left.length - right.length).fill("0"), ...right];
  return Uint8Array.from(
    groups.map((group) => Number.parseInt(group, 16)).flatMap((group) => [group >> 8, group & 255]),
  );
};

const groupsOf = (dotted: string): string => {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split(".").map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
};

/** `10.0.0.0/8`, `fd00::/8`, or a single address. Bits behind the prefix are taken for zero. */
const parseNetwork = (text: string): Network | undefined => {
  const [, addressText = "", prefixText] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseAddress(addressText);
  if (address === undefined) return undefined;
  const missing = isIPv4(addressText) ? ADDRESS_BITS - IPV4_BITS : 0;
  const prefixLength = prefixText === undefined ? ADDRESS_BITS : Number(prefixText) + missing;
  if (prefixLength > ADDRESS_BITS) return undefined;
  return { address: address.map((byte, index) => byte & maskByte(prefixLength, index)), prefixLength };
};

/** Byte `index` of the mask of a prefix. */
const maskByte = (prefixLength: number, index: number): number =>
  (0xff00 >> Math.min(8, Math.max(0, prefixLength - index * 8))) & 255;

/** The shortest text that {@link parseNetwork} reads as this. */
const formatNetwork = ({ address, prefixLength }: Network): string => {
  const isMapped = prefixLength >= ADDRESS_BITS - IPV4_BITS && isMappedIpv4(address);
  const text = isMapped ? address.slice(12).join(".") : formatIpv6(address);
  if (prefixLength === ADDRESS_BITS) return text;
  return `${text}/${isMapped ? prefixLength - (ADDRESS_BITS - IPV4_BITS) : prefixLength}`;
};

/** As RFC 5952 writes it. */
const formatIpv6 = (address: Uint8Array): string => {
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((address[index * 2] as number) << 8) | (address[index * 2 + 1] as number)).toString(16),
  );
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
};

const isMappedIpv4 = (address: Uint8Array): boolean =>
  address.every((byte, index) => index >= 12 || byte === (index >= 10 ? 255 : 0));

/** Is the address one of the network's? */
const contains = ({ address, prefixLength }: Network, other: Uint8Array): boolean =>
  address.every((byte, index) => byte === ((other[index] as number) & maskByte(prefixLength, index)));

export { contains, formatIpv6, formatNetwork, maskByte, parseAddress, parseNetwork };
