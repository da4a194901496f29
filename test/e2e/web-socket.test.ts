import { afterEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "./support/certificate.ts";
import { Child, endAll } from "./support/child.ts";
import { removeFolders, temporaryFolder } from "./support/nginx.ts";
import { startRecorded } from "./support/recorded.ts";

/** A client library that we did not write, https://github.com/websockets/ws, in Node. What breaks is in malformed.test.ts. */

const LIMIT_MILLIS = 30_000;
const PROGRAM = new URL("support/programs/ws-client.mjs", import.meta.url).pathname;
const CONTROL = "control-0123456789";

afterEach(async () => {
  await endAll();
  removeFolders();
}, LIMIT_MILLIS);

const EXPECTED = {
  "without a token": 401,
  "from another site": 403,
  "with an unknown subprotocol": 400,
  "with a wrong filter": 400,
  opened: ["hello", "", ""],
  pong: "are you there",
  "in fragments": { status: ["5xx"] },
  "answers in order": true,
  binary: "error",
  "closed by us": [1000, "bye"],
  "too large": 1009,
  "the past": 80,
  extensions: ["kernelcast.v1.json", ""],
  records: ["object", 1, 1, true],
  "token as subprotocol": "kernelcast.v1.json",
  ready: true,
  "closed by the service": [1001, "Kernelcast is shutting down"],
};

const ways: [name: string, flags: () => Promise<string[]>, change: Partial<typeof EXPECTED>][] = [
  ["plain", async () => [], {}],
  [
    "over TLS, compressed",
    async () => {
      const { cert, key } = await makeCertificate();
      return ["--tls-cert", cert, "--tls-key", key, "--compress"];
    },
    {
      opened: ["hello", "", "permessage-deflate"],
      extensions: ["kernelcast.v1.json", "permessage-deflate"],
    },
  ],
];

test.each(ways)(
  "the ws library of Node gets along with it, %s",
  async (_, flagsOf, change) => {
    const tokenFile = join(temporaryFolder(), "tokens");
    writeFileSync(tokenFile, CONTROL, { mode: 0o600 });
    const flags = await flagsOf();
    const { process, url } = await startRecorded({ flags: ["--token-file", tokenFile, ...flags] });
    const ca = flags[1] === undefined ? "" : readFileSync(flags[1], "utf8");
    const client = new Child(["node", PROGRAM, url, CONTROL, ca]);
    await client.match(/"ready"/);
    expect(await process.stop()).toBe(0);
    const { exitCode, stdout, stderr } = await client.outcome();
    expect([exitCode, stderr]).toEqual([0, ""]);
    const steps = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as [string, unknown]);
    expect(Object.fromEntries(steps)).toEqual({ ...EXPECTED, ...change });
    expect(process.stderr).toBe("");
  },
  LIMIT_MILLIS,
);
