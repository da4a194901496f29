import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { CollectorHealth } from "../../otel/health.ts";
import { unreachableReason, watchRetries } from "../../otel/reachability.ts";
import { RecordingLog } from "./support/recording-log.ts";
import { until } from "./support/until.ts";

/** The port of a server that listens on it while `use` runs. */
async function listening(host: string, use: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  await use(typeof address === "object" && address !== null ? address.port : 0);
  await new Promise((resolve) => server.close(resolve));
}

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::1", "[::1]"],
  ["127.0.0.1", "localhost"],
])("a server on %s is reached as %s", async (host, name) => {
  await listening(host, async (port) =>
    expect(await unreachableReason(`http://${name}:${port}/v1/traces`)).toBeUndefined(),
  );
});

test.each([
  ["http://127.0.0.1:1/", "ECONNREFUSED"],
  ["http://no-such-host.invalid/", /^(ENOTFOUND|EAI_AGAIN|DNS_\w+)$/],
])("%s is not, and says why", async (url, reason) => {
  expect(await unreachableReason(url)).toMatch(reason);
});

test("a retry where nothing listens is told of at once and once", async () => {
  const log = new RecordingLog();
  const onRetry = watchRetries("http://127.0.0.1:1/", new CollectorHealth({ url: "http://127.0.0.1:1/", log }));
  for (let i = 0; i < 10; i++) onRetry();
  await until(() => log.warnings.length > 0);
  onRetry();
  expect(log.warnings).toHaveLength(1);
  expect(log.warnings[0]).toContain("nothing listens there");
});
