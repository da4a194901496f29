import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTelemetry, type Environment, type Telemetry } from "../../otel/telemetry.ts";
import { httpEvents } from "./support/events.ts";
import { expectBalanced } from "./support/ledger.ts";
import { rawBatch } from "./support/raw.ts";
import { RecordingLog } from "./support/recording-log.ts";
import { ScriptedCollector } from "./support/scripted-collector.ts";
import { until } from "./support/until.ts";

let collector: ScriptedCollector;
let telemetry: Telemetry | undefined;
let log: RecordingLog;

afterEach(async () => {
  await telemetry?.shutdown(100);
  if (telemetry?.pipeline !== undefined) expectBalanced(telemetry.pipeline.stats());
  expect(collector.violations).toEqual([]);
  await collector.close();
});

function start(env: Environment = {}, scheme = "http") {
  log = new RecordingLog();
  telemetry = createTelemetry({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${scheme}://127.0.0.1:${collector.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_TIMEOUT: "300",
      OTEL_METRICS_EXPORTER: "none",
      ...env,
    },
    log,
    version: "0.0.0",
  });
  if (telemetry.pipeline === undefined) throw new Error("expected a pipeline, got none");
  return telemetry.pipeline;
}

async function sendTen(env: Environment = {}, scheme = "http") {
  const pipeline = start(env, scheme);
  pipeline.offerRaw(rawBatch(httpEvents(10)));
  await pipeline.flush();
  return pipeline.stats();
}

describe("compression", () => {
  test.each([
    [{ OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" }, "gzip"],
    [{ OTEL_EXPORTER_OTLP_COMPRESSION: "none" }, undefined],
    [{}, undefined],
    [{ OTEL_EXPORTER_OTLP_COMPRESSION: "gzip", OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "none" }, undefined],
    [{ OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "gzip" }, "gzip"],
  ] as [Environment, string | undefined][])("%p sends %p", async (env, encoding) => {
    collector = await new ScriptedCollector().listen();
    expect(await sendTen(env)).toMatchObject({ exported: 10 });
    expect([collector.headers["content-encoding"], collector.taken]).toEqual([encoding, 10]);
  });
});

describe("headers", () => {
  test.each([
    [{ OTEL_EXPORTER_OTLP_HEADERS: "a=1,b=x%20y" }, { a: "1", b: "x y" }],
    [
      { OTEL_EXPORTER_OTLP_HEADERS: "a=1,b=2", OTEL_EXPORTER_OTLP_TRACES_HEADERS: "b=3" },
      { a: "1", b: "3" },
    ],
    [{ OTEL_EXPORTER_OTLP_HEADERS: "", OTEL_EXPORTER_OTLP_TRACES_HEADERS: "" }, { a: undefined }],
  ] as [Environment, Record<string, string | undefined>][])("%p", async (env, expected) => {
    collector = await new ScriptedCollector().listen();
    await sendTen(env);
    for (const [name, value] of Object.entries(expected)) expect(collector.headers[name]).toBe(value);
    expect(collector.headers["user-agent"]).toStartWith("OTel-OTLP-Exporter-JavaScript/");
    expect(collector.headers["content-type"]).toBe("application/json");
  });
});

describe("TLS", () => {
  let folder = "";
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args], { cwd: folder });
    if (exitCode !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "kernelcast-tls-"));
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl("req", "-x509", ...key, "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem");
    writeFileSync(file("san"), "subjectAltName=IP:127.0.0.1");
    for (const name of ["server", "client"]) {
      openssl("req", ...key, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
      const authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
      openssl(
        "x509",
        "-req",
        "-in",
        `${name}.csr`,
        ...authority,
        "-days",
        "2",
        "-extfile",
        "san",
        "-out",
        `${name}.pem`,
      );
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A collector that lets in only who shows a certificate of the authority. */
  async function listenSecurely(): Promise<void> {
    const [key, cert, ca] = ["server.key", "server.pem", "ca.pem"].map((name) => readFileSync(file(name)));
    collector = await new ScriptedCollector({ key, cert, ca, requestCert: true, rejectUnauthorized: true }).listen();
  }

  const AUTHORITY = () => ({ OTEL_EXPORTER_OTLP_CERTIFICATE: file("ca.pem") });
  const CLIENT = () => ({
    OTEL_EXPORTER_OTLP_CLIENT_KEY: file("client.key"),
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: file("client.pem"),
  });

  test("with the authority's certificate and one of its own it gets in", async () => {
    await listenSecurely();
    expect(await sendTen({ ...AUTHORITY(), ...CLIENT() }, "https")).toMatchObject({ exported: 10 });
    expect([collector.taken, log.warnings]).toEqual([10, []]);
  });

  test("the signal's own certificates win", async () => {
    await listenSecurely();
    const env = {
      OTEL_EXPORTER_OTLP_CERTIFICATE: file("client.pem"),
      OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: file("ca.pem"),
      OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: file("client.key"),
      OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: file("client.pem"),
    };
    expect(await sendTen(env, "https")).toMatchObject({ exported: 10 });
  });

  test.each([
    ["a certificate of its own", AUTHORITY],
    ["the authority's", CLIENT],
  ])("without %s nothing is sent, and the log says which variables to look at", async (_what, env) => {
    await listenSecurely();
    expect(await sendTen(env(), "https")).toMatchObject({ exported: 0, dropped: { export_failed: 10 } });
    expect(collector.taken).toBe(0);
    expect(log.warnings[0]).toContain("see OTEL_EXPORTER_OTLP_CERTIFICATE");
  });
});

const LIMITS = { OTEL_BSP_EXPORT_TIMEOUT: "700", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10", OTEL_BSP_SCHEDULE_DELAY: "5" };

describe("an answer", () => {
  test.each([[{ do: "drip", where: "head" }], [{ do: "drip", where: "body" }], [{ do: "hang" }]] as const)(
    "that does not end (%p) ends with the time-out, and what comes after it is sent",
    async (action) => {
      collector = await new ScriptedCollector().listen();
      collector.otherwise = action;
      const pipeline = start(LIMITS);
      pipeline.offerRaw(rawBatch(httpEvents(200)));
      await until(() => (pipeline.stats().dropped.export_failed ?? 0) >= 10);
      collector.otherwise = { do: "take" };
      // On a slow machine all of them may have waited too long by now; the next ones do not.
      await until(() => pipeline.stats().queued === 0);
      pipeline.offerRaw(rawBatch(httpEvents(10)));
      const { exported } = pipeline.stats();
      await pipeline.flush();
      expect(pipeline.stats().exported).toBe(exported + 10);
      expect(log.warnings).toHaveLength(1);
      expect(log.infos).toHaveLength(1);
    },
  );

  test.each([200, 400])("of 5 MiB with status %i is not read to its end, and is no success", async (status) => {
    collector = await new ScriptedCollector().listen();
    collector.script.push({ do: "large", bytes: 5 * 1024 * 1024, status });
    expect(await sendTen()).toMatchObject({ exported: 0, dropped: { export_failed: 10 } });
    expect(collector.requests).toBe(1);
    expect(log.warnings[0]).toContain("exceeded size limit of 4194304 bytes");
  });

  test("of 3 MiB that makes no sense is one", async () => {
    collector = await new ScriptedCollector().listen();
    collector.script.push({ do: "large", bytes: 3 * 1024 * 1024, status: 200 });
    expect(await sendTen()).toMatchObject({ exported: 10 });
  });
});

test("a request never comes near the 64 MiB that OTLP allows, however large a batch may be", async () => {
  collector = await new ScriptedCollector().listen();
  const huge = { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "1000000", OTEL_BSP_MAX_QUEUE_SIZE: "1000000" };
  const pipeline = start({ ...huge, OTEL_EXPORTER_OTLP_TIMEOUT: "10000" });
  const text = "x".repeat(80);
  for (let i = 0; i < 200; i++)
    pipeline.offerRaw(rawBatch(httpEvents(100, { userAgent: text, host: text.slice(0, 60) })));
  await pipeline.flush();
  expect(pipeline.stats()).toMatchObject({ exported: 20_000, dropped: {} });
  expect(collector.requests).toBeGreaterThan(1);
  expect(collector.bytesMax).toBeLessThan(64 * 1024 * 1024);
});

test("while a collector hangs memory is flat: four hundred queues' worth of events later it holds no more", async () => {
  collector = await new ScriptedCollector().listen();
  collector.otherwise = { do: "hang" };
  const pipeline = start({ ...LIMITS, OTEL_BSP_MAX_QUEUE_SIZE: "1000", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "100" });
  const batch = rawBatch(httpEvents(100));
  const offer = async (count: number) => {
    for (let i = 0; i < count; i++) pipeline.offerRaw(batch);
    await new Promise((resolve) => setImmediate(resolve));
    Bun.gc(true);
    return process.memoryUsage.rss();
  };
  await offer(300);
  const before = await offer(100);
  // Held, these spans would take some 160 MB.
  expect((await offer(4000)) - before).toBeLessThan(48 * 1024 * 1024);
  expect(pipeline.stats().queued).toBeLessThanOrEqual(1000 + 16 * 100);
});
