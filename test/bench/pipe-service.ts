/**
 * The service's whole pipe over events that a BPF program makes: reader, delivery, hub, listener, metrics and spans as
 * `server/index.ts` puts them together. Says its URL once it runs. Without a collector's URL there are no spans.
 * `pipe-service.ts OBJECT [COLLECTOR_URL]`
 */
import { decodeHttpEvent } from "../../ffi/decode.ts";
import type { Sink } from "../../ffi/event.ts";
import { http } from "../../ffi/protocol.ts";
import { Reader } from "../../ffi/reader.ts";
import { StreamCapture } from "../../ffi/stream-capture.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { WallClock } from "../../ffi/wall-clock.ts";
import { createTelemetry } from "../../otel/telemetry.ts";
import { createApp } from "../../server/app.ts";
import { Hub } from "../../server/hub.ts";
import { listen } from "../../server/listen.ts";

/** As settings.ts has them by default. */
const QUEUE_MAX = 65_536;
const SUBSCRIBER_MAX = 1000;
const VERSION = "0.0.0";

/** A stream is named as its object; its events are HTTP's. */
class FloodCapture extends StreamCapture {
  readonly #clock: WallClock;

  constructor(object: string, sinks: readonly Sink[]) {
    const clock = new WallClock();
    super({
      reader: new Reader({ objectPaths: [object] }),
      streams: [["flood", { use: (visitor) => visitor({ protocol: http, decode: decodeHttpEvent }) }]],
      clock: () => clock.offset,
      policy: new TargetPolicy(),
      sinks,
    });
    this.#clock = clock;
  }

  override async start(): Promise<void> {
    this.#clock.start();
    await super.start();
  }
}

const [object = "", collectorUrl] = process.argv.slice(2);
const spans = collectorUrl ? { OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl } : { OTEL_TRACES_EXPORTER: "none" };
const telemetry = createTelemetry({
  env: { ...spans, OTEL_METRICS_EXPORTER: "none" },
  log: { info: () => {}, warn: (message) => console.error(message) },
  version: VERSION,
});
const hub = new Hub({ queueMax: QUEUE_MAX, subscriberMax: SUBSCRIBER_MAX, version: VERSION });
const sinks: Sink[] = [hub, telemetry.metrics, telemetry.pipeline].filter((sink) => sink !== undefined);
const capture = new FloodCapture(object, sinks);
const app = createApp({ capture, hub, spans: telemetry.pipeline, version: VERSION });
const { url } = listen({ host: "127.0.0.1", port: 0, app, hub });
await capture.start();
process.send?.(url);
