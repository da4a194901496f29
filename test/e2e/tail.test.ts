import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "./support/certificate.ts";
import { Child, endAll } from "./support/child.ts";
import { removeFolders, temporaryFolder } from "./support/nginx.ts";
import { startRecorded } from "./support/recorded.ts";
import { CLI } from "./support/service.ts";

const LIMIT_MILLIS = 30_000;
const READ = "reader-0123456789";
/** Of the recording. */
const EVENTS = 80;

afterEach(async () => {
  await endAll();
  removeFolders();
}, LIMIT_MILLIS);

const tail = (...argv: string[]) => new Child([process.execPath, CLI, "tail", ...argv]);

function tokenFile(mode = 0o600): string {
  const file = join(temporaryFolder(), "tokens");
  writeFileSync(file, `# first\nread ${READ}\ncontrol control-0123456789\n`, { mode });
  return file;
}

/** How the service listens, and what tail is told. `PORT` is the service's. */
const ways: [name: string, flags: () => Promise<{ serve: string[]; tail: string[] }>][] = [
  ["on a port", async () => ({ serve: [], tail: ["--port=PORT"] })],
  [
    "that asks for a token",
    async () => {
      const flags = ["--token-file", tokenFile()];
      return { serve: flags, tail: ["--port=PORT", ...flags] };
    },
  ],
  [
    "over TLS",
    async () => {
      const { cert, key } = await makeCertificate();
      const token = ["--token-file", tokenFile()];
      return {
        serve: ["--tls-cert", cert, "--tls-key", key, ...token],
        tail: ["--url=https://localhost:PORT", "--tls-cert", cert, ...token],
      };
    },
  ],
  [
    "on a Unix socket",
    async () => {
      const flags = ["--unix-socket", join(temporaryFolder(), "kernelcast.sock")];
      return { serve: flags, tail: flags };
    },
  ],
];

describe("tail prints what a service sees", () => {
  test.each(ways)(
    "%s",
    async (_, flagsOf) => {
      const flags = await flagsOf();
      const { url } = await startRecorded({ flags: flags.serve });
      const port = url.split(":").at(-1) ?? "";
      const argv = flags.tail.map((word) => word.replace("PORT", port));
      const all = tail(...argv, "--json", "--since=0");
      await all.until(() => all.stdout.split("\n").length > EVENTS);
      expect(await all.stop("SIGINT")).toBe(0);
      const events = all.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { seq: number });
      expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: EVENTS }, (_, index) => index + 1));
      expect(all.stderr).toMatch(/^REPLAY of /);

      const some = tail(...argv, "--since=0", "--status=500", "--path", "/api/*", "--color");
      await some.until(() => some.stdout.split("\n").length > 3);
      await some.stop("SIGTERM");
      expect(some.stdout).toMatch(/^(\S*[\d:.]+\S* {2}\S*31m500\S* .*\/api\/stock\n){3}$/);
    },
    LIMIT_MILLIS,
  );
});

const refusals: [name: string, argv: () => string[], exitCode: number, message: RegExp][] = [
  [
    "no token",
    () => [],
    1,
    /^the service at 127\.0\.0\.1:\d+ refuses: this needs a token.*; --token-file names a file/,
  ],
  ["a token file that others may read", () => ["--token-file", tokenFile(0o644)], 2, /others may read it \(mode 644\)/],
  ["a filter that is none", () => ["--status=abc"], 2, /^kernelcast: --status: expected a status such as 500/],
];
test.each(refusals)(
  "with %s it says what is wrong and ends",
  async (_, argv, exitCode, message) => {
    const { url } = await startRecorded({ flags: ["--token-file", tokenFile()] });
    const outcome = await tail(`--port=${new URL(url).port}`, ...argv()).outcome();
    expect(outcome).toMatchObject({ exitCode, stdout: "" });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toMatch(/\n./);
  },
  LIMIT_MILLIS,
);

test("a certificate that is not the service's is not trusted", async () => {
  const [{ cert, key }, other] = [await makeCertificate(), await makeCertificate()];
  const { url } = await startRecorded({ flags: ["--tls-cert", cert, "--tls-key", key] });
  const { exitCode, stderr } = await tail("--url", url, "--tls-cert", other.cert).outcome();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/certificate.*; --tls-cert names the service's certificate/);
});
