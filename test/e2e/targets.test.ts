import { afterAll, expect, test } from "bun:test";
import type { HttpEvent } from "../../ffi/event.ts";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx } from "./support/nginx.ts";
import { Collector } from "./support/receiver.ts";
import { CLI, Service } from "./support/service.ts";

const LIMIT_MILLIS = 60_000;
const SERVER = "127.0.0.1:8080";
const SECRET = "S3CRET";
/** Sent last: when it is seen, everything before it is. */
const LAST = "/last";

interface Watched {
  events: HttpEvent[];
  /** By who said it: all text that left the service. */
  said: Record<string, string>;
}

/** Sends each target, as it stands, to nginx under a service with these flags. */
async function watch(flags: readonly string[], targets: readonly string[]): Promise<Watched> {
  const network = await Network.open();
  const collector = await Collector.start(network);
  const service = await Service.start(network, { flags, env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
  await startNginx(
    network,
    `server { listen ${SERVER}; large_client_header_buffers 4 16k; location / { return 204; } }`,
  );
  const subscriber = await service.subscribe();
  const tail = (...more: string[]) =>
    network.start([process.execPath, CLI, "tail", `--port=${service.port}`, ...more], { NO_COLOR: "1" });
  const tails = [tail(), tail("--json")];
  await service.statsWhen(({ subscribers }) => subscribers.connected === 1 + tails.length);

  for (const target of [...targets, LAST]) {
    await network.output("curl", "--silent", "--show-error", "--request-target", target, `http://${SERVER}`);
  }

  const { id } = await service.sync("?wait=export");
  await subscriber.synced(id);
  for (const one of tails) await one.until(() => one.stdout.includes(LAST));
  const said = {
    frames: JSON.stringify(subscriber.frames),
    tail: tails.map(({ stdout, stderr }) => stdout + stderr).join(""),
    stats: await service.get("/stats"),
    metrics: await service.get("/metrics"),
    spans: JSON.stringify([await collector.report(), collector.spans]),
    log: "",
  };
  await service.stop();
  said.log = service.process.stdout + service.process.stderr;
  return { events: subscriber.eventsByStart.slice(0, -1), said };
}

const shown = ({ path, template, query, pathTruncated }: HttpEvent) => ({
  path,
  ...(template === undefined ? {} : { template }),
  ...(query === undefined ? {} : { query }),
  ...(pathTruncated ? { pathTruncated } : {}),
});

describeKernel("what is reported of request targets", () => {
  afterAll(async () => {
    await endAll();
    removeFolders();
  });

  test(
    "a secret that a rule hides is nowhere in what the service says: frames, tail, spans, statistics, log",
    async () => {
      const cases: [target: string, expected: ReturnType<typeof shown>][] = [
        ["/plain", { path: "/plain" }],
        ["/users/42", { path: "/users/42", template: "/users/{id}" }],
        [`/reset/${SECRET}`, { path: "/reset/TOKEN" }],
        // The group is put back as it was written.
        [`/a/r%65set/%53${SECRET}/x`, { path: "/a/r%65set/TOKEN/x" }],
        [`/users/${SECRET}%40example.com`, { path: "/users/EMAIL", template: "/users/{id}" }],
        [`/q?a=1&token=${SECRET}&b=2`, { path: "/q", query: "a=1&token=REDACTED&b=2" }],
        [`/q?X-Amz-Signature=${SECRET}`, { path: "/q", query: "X-Amz-Signature=REDACTED" }],
        [`/q?S%53N=${SECRET}&back=/reset/${SECRET}`, { path: "/q", query: "S%53N=REDACTED&back=/reset/TOKEN" }],
        [`http://user:${SECRET}@${SERVER}/abs`, { path: `http://REDACTED:REDACTED@${SERVER}/abs` }],
      ];
      const { events, said } = await watch(
        [
          "--capture-query",
          "--redact=(/reset/)[^/&]+=>$1TOKEN",
          "--redact=[^/=&:@]+@example.com=>EMAIL",
          "--redact-query=ssn",
          "--template=/users/{id}",
        ],
        cases.map(([target]) => target),
      );
      expect(events.map(shown)).toEqual(cases.map(([, expected]) => expected));
      for (const [who, text] of Object.entries(said)) {
        expect([who, text.includes(SECRET)]).toEqual([who, false]);
        expect([who, text.length > 0]).toEqual([who, true]);
      }
      // The looks are at the right things: what is not hidden is there.
      for (const who of ["frames", "tail", "spans"] as const) expect(said[who]).toContain("/plain");
    },
    LIMIT_MILLIS,
  );

  test(
    "with templates only, a path that none fits is not told at all",
    async () => {
      const { events, said } = await watch(
        ["--template-only", "--template=/users/{id}", `--template=${LAST}`],
        ["/users/42", `/${SECRET}`, `/users/7/${SECRET}?token=${SECRET}`],
      );
      expect(events.map(shown)).toEqual([
        { path: "/users/{id}", template: "/users/{id}" },
        { path: "/REDACTED" },
        { path: "/REDACTED" },
      ]);
      for (const [who, text] of Object.entries(said)) expect([who, text.includes(SECRET)]).toEqual([who, false]);
    },
    LIMIT_MILLIS,
  );

  const path = `/${"p".repeat(4062)}e`;
  test.each([
    [10, path.slice(0, 10), true],
    [224, path.slice(0, 224), true],
    [225, path.slice(0, 225), true],
    [4064, path, false],
  ])(
    "with --path-max %p that many bytes of a path of 4064 are told",
    async (pathMax, expected, truncated) => {
      // The smallest ring: a page of the larger events must fit it, too.
      const { events } = await watch([`--path-max=${pathMax}`, "--ring-kib=16"], [path, `${path}f`, "/short"]);
      expect(events.map(({ path, pathTruncated }) => [path, pathTruncated])).toEqual([
        [expected, truncated],
        [expected, true],
        ["/short", false],
      ]);
    },
    LIMIT_MILLIS,
  );
});
