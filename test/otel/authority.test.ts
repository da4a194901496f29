import { expect, test } from "bun:test";
import { parseAuthority } from "../../otel/authority.ts";

test.each([
  ["example.com", "http", "example.com", 80],
  ["example.com", "https", "example.com", 443],
  ["example.com:8080", "http", "example.com", 8080],
  ["example.com:", "http", "example.com", 80],
  ["10.0.0.1:80", "http", "10.0.0.1", 80],
  ["[::1]", "http", "::1", 80],
  ["[2001:db8::7]:9000", "http", "2001:db8::7", 9000],
  ["[::ffff:10.0.0.1]:1", "http", "::ffff:10.0.0.1", 1],
  ["[fe80::1%25eth0]:1", "http", "fe80::1%25eth0", 1],
  ["a_b.local:65535", "http", "a_b.local", 65_535],
])("%s over %s is %s port %i", (authority, scheme, address, port) => {
  expect(parseAuthority(authority, scheme)).toEqual({ address, port });
});

test.each([
  [""],
  [":80"],
  ["a b"],
  ["user@host"],
  ["host:http"],
  ["host:0"],
  ["host:65536"],
  ["::1"],
  ["[::1"],
  ["[]:80"],
  ["[example.com]"],
  ["host/path"],
  ["h\u00f6st"],
])("%p is no authority", (authority) => {
  expect(parseAuthority(authority, "http")).toBeUndefined();
});
