import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAccess } from "../../../server/access/access.ts";
import { loadConfig } from "../../../server/config.ts";

const folder = mkdtempSync(join(tmpdir(), "kernelcast-access-"));
afterAll(() => rmSync(folder, { recursive: true }));
const tokenFile = join(folder, "tokens");
writeFileSync(tokenFile, "read reader-0123456789\n", { mode: 0o600 });

const access = (...argv: string[]) => readAccess(loadConfig(argv, {}).config);

describe("without a token", () => {
  test.each(["127.0.0.1", "127.1.2.3", "::1", "localhost", "LocalHost", "::ffff:127.0.0.1"])("%s is ours", (host) => {
    expect(access("--host", host).guard.tokens).toBeUndefined();
  });

  test.each([
    "0.0.0.0",
    "::",
    "192.0.2.1",
    "::ffff:192.0.2.1",
    "127.example.com",
    "127.0.0.1.example.com",
    "localhost.example.com",
    "api.local",
  ])("%s is refused, and allowed by a token or by --insecure", (host) => {
    expect(() => access("--host", host)).toThrow(
      `on ${host} whoever reaches this machine could read its traffic: set --token-file (KERNELCAST_TOKEN_FILE), or say --insecure`,
    );
    expect(access("--host", host, "--insecure").guard.tokens).toBeUndefined();
    expect(access("--host", host, "--token-file", tokenFile).guard.tokens).toBeDefined();
  });
});

test("a name that is listened on is a name that may be asked for; an address needs not be", () => {
  const hosts = (...argv: string[]) => access(...argv, "--insecure", "--allowed-host", "b.example").guard.allowedHosts;
  expect(hosts("--host", "a.example")).toEqual(["a.example", "b.example"]);
  expect(hosts("--host", "0.0.0.0")).toEqual(["b.example"]);
});

test.each(["--tls-cert", "--tls-key"])("%s alone is refused", (flag) => {
  expect(() => access(flag, tokenFile)).toThrow("TLS needs both, --tls-cert and --tls-key");
});
