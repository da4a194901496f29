import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { objectPath, PATH_MAX_DEFAULT, PATH_MAX_LIMIT } from "../../ffi/reader-options.ts";
import { STREAMS } from "../../ffi/stream.ts";
import { configSchema, PROTOCOLS } from "../../server/settings.ts";

test("the settings offer just the protocols that can be read, and each has its eBPF object", () => {
  expect(Object.keys(STREAMS)).toEqual([...PROTOCOLS]);
  expect(PROTOCOLS.filter((protocol) => !existsSync(objectPath(protocol)))).toEqual([]);
});

test("a stream's name is its protocol's, and no two share a number", () => {
  const protocols = Object.values(STREAMS).map((stream) => stream.use(({ protocol }) => protocol));
  expect(protocols.map(({ name }) => name)).toEqual(Object.keys(STREAMS));
  expect(new Set(protocols.map(({ number }) => number)).size).toBe(protocols.length);
});

test("paths are kept as long as the setting says, up to what the builds have room for", () => {
  const { pathMax } = configSchema.shape;
  expect(pathMax.parse(undefined)).toBe(PATH_MAX_DEFAULT);
  expect(pathMax.safeParse(String(PATH_MAX_LIMIT)).success).toBe(true);
  expect(pathMax.safeParse(String(PATH_MAX_LIMIT + 1)).success).toBe(false);
});
