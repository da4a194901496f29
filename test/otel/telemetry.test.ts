import { afterEach, expect, test } from "bun:test";
import { trace } from "@opentelemetry/api";
import { createTelemetry, type Environment, type Telemetry } from "../../otel/telemetry.ts";
import { httpEvents } from "./support/events.ts";
import { rawBatch } from "./support/raw.ts";
import { RecordingLog } from "./support/recording-log.ts";
import { ScriptedCollector } from "./support/scripted-collector.ts";

let telemetry: Telemetry | undefined;
afterEach(() => telemetry?.shutdown(0));

function start(env: Environment): Telemetry {
  telemetry = createTelemetry({ env, log: new RecordingLog(), version: "0.0.0" });
  return telemetry;
}

test("with no variable set, spans go to the specification's default endpoint", () => {
  expect(start({}).url).toBe("http://localhost:4318/v1/traces");
});

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:1" }, "http://c:1/v1/traces"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:1/base/" }, "http://c:1/base/v1/traces"],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://c/as/is" }, "https://c/as/is"],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:1" }, "http://c:1/"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:1", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://d:2/t" }, "http://d:2/t"],
] as [Environment, string][])("%p sends to %s", (env, url) => {
  expect(start(env).url).toBe(url);
});

test.each([[{ OTEL_SDK_DISABLED: "true" }], [{ OTEL_TRACES_EXPORTER: "none" }]] as [Environment][])(
  "%p gives no pipeline, and shuts down",
  async (env) => {
    const { pipeline, url, shutdown } = start(env);
    expect([pipeline, url]).toEqual([undefined, undefined]);
    await shutdown();
  },
);

test("a wrong protocol is an error before anything is started", () => {
  expect(() => start({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })).toThrow(
    'OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf or http/json, got "grpc"',
  );
  expect(process.env.OTEL_EXPORTER_OTLP_PROTOCOL).toBeUndefined();
});

test("it can be started again after a shutdown, ten times over, without a word from the SDK", async () => {
  const collector = await new ScriptedCollector().listen();
  const log = new RecordingLog();
  for (let i = 0; i < 10; i++) {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    };
    const { pipeline, shutdown } = createTelemetry({ env, log, version: "0.0.0" });
    pipeline?.offerRaw(rawBatch(httpEvents(7)));
    await shutdown();
    expect(pipeline?.stats().exported).toBe(7);
  }
  await collector.close();
  expect(collector.taken).toBe(70);
  expect([log.warnings, log.infos]).toEqual([[], []]);
  expect(trace.getTracerProvider().getTracer("x").startSpan("y").isRecording()).toBe(false);
});

/** The whole process, as the composition root ends it. A fake service; signals are not part of it. */
const SERVICE = `
  import { createTelemetry } from ${JSON.stringify(new URL("../../otel/telemetry.ts", import.meta.url).pathname)};
  import { httpEvents } from ${JSON.stringify(new URL("./support/events.ts", import.meta.url).pathname)};
  import { rawBatch } from ${JSON.stringify(new URL("./support/raw.ts", import.meta.url).pathname)};
  const log = { info: console.error, warn: console.error };
  const { pipeline, shutdown } = createTelemetry({ env: process.env, log, version: "0.0.0" });
  pipeline.offerRaw(rawBatch(httpEvents(1000)));
  process.stdin.once("data", async () => {
    await shutdown(1000);
    console.log(JSON.stringify(pipeline.stats()));
    process.exit();
  });
  process.on("unhandledRejection", (reason) => console.log("unhandled", reason));
`;

test.each([["hangs"], ["is not there"]])("the process ends when told, though the collector %s", async (mood) => {
  const collector = await new ScriptedCollector().listen();
  collector.otherwise = { do: "hang" };
  if (mood === "is not there") await collector.close();
  const port = mood === "is not there" ? 1 : collector.port;
  const service = Bun.spawn([process.execPath, "-e", SERVICE], {
    env: {
      ...process.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    },
    stdin: "pipe",
    stdout: "pipe",
  });
  service.stdin.write("end\n");
  service.stdin.end();
  const output = await new Response(service.stdout).text();
  expect(await service.exited).toBe(0);
  expect(JSON.parse(output)).toMatchObject({ delivered: 1000, queued: 0, dropped: { shutdown: 1000 } });
  if (mood === "hangs") await collector.close();
});
