import { expect, test } from "bun:test";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { clockOffset } from "../../ffi/clock.ts";
import type { HttpEvent, RawHttpBatch } from "../../ffi/event.ts";
import { HttpCursor } from "../../ffi/http-cursor.ts";
import { http_event } from "../../ffi/layout.generated.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { EncodedBatcher } from "../../otel/encoded-batcher.ts";
import { IdGenerator } from "../../otel/ids.ts";
import { knownMethods } from "../../otel/method.ts";
import { createSampler } from "../../otel/sampler.ts";
import type { SideRule } from "../../otel/side.ts";
import { createSpanFactory } from "../../otel/span.ts";
import { TraceRequest } from "../../otel/trace-request.ts";
import { Random } from "../ffi/support/random.ts";
import { httpBatch } from "../ffi/support/ring.ts";
import { anyHttpFields } from "./support/http-fields.ts";
import { decodeTraceRequest } from "./support/trace-proto.ts";

/**
 * The fast way from the kernel's bytes to OTLP's, against the plain way: decode, `ReadableSpan`, the SDK's own serializer. Both
 * requests are decoded with OpenTelemetry's .proto files and must be equal, member by member, ids included.
 */

const BATCH_EVENTS = 400;
const CLOCK = clockOffset(1_000_000_007n);
/** More than any build keeps: a span whose length takes three bytes. */
const LONG_TARGET_BYTES = 12_000;

const resource = resourceFromAttributes({
  "service.name": "kernelcast",
  "process.pid": 4711,
  "process.command_args": ["bun", "sch\u00f6n", ""],
  "os.is_test": true,
  "a.ratio": 0.25,
  "a.negative": -1.5,
  "a.large": 2 ** 53 - 1,
  "an.empty": "",
});

interface Setting {
  name: string;
  events: number;
  policy?: TargetPolicy;
  sideOf?: SideRule;
  underClientSpan?: boolean;
  emitsSizes?: boolean;
  methods?: string;
  targetBytes?: number;
}

/** As with `--spans=auto`, of a host that has the loopback addresses alone. */
const auto: SideRule = (client, server) => (server !== "127.0.0.1" && client === "127.0.0.1" ? "client" : "server");

const SETTINGS: Setting[] = [
  { name: "as it comes", events: 40_000 },
  { name: "client spans", events: 15_000, sideOf: () => "client", emitsSizes: true },
  { name: "server spans under client spans, with sizes", events: 15_000, underClientSpan: true, emitsSizes: true },
  { name: "other known methods", events: 5000, sideOf: auto, methods: "GET, PROPFIND" },
  { name: "long targets", events: 5000, sideOf: auto, targetBytes: LONG_TARGET_BYTES },
  {
    name: "templates",
    events: 10_000,
    sideOf: auto,
    policy: new TargetPolicy({ templates: ["/users/{id}", "/items/{item}", "/p/{q}"] }),
  },
  {
    name: "redactions and templates alone",
    events: 10_000,
    sideOf: auto,
    policy: new TargetPolicy({
      templates: ["/users/{id}"],
      templateOnly: true,
      redactions: [{ pattern: "items", replacement: "\u2026" }],
    }),
  },
];

test("the settings make 100,000 events", () => {
  expect(SETTINGS.reduce((sum, { events }) => sum + events, 0)).toBe(100_000);
});

test.each(SETTINGS.map((setting, index) => [setting.name, setting, index] as const))(
  "%s: the fast way says of every event what the SDK says",
  (_name, setting, seed) => {
    const { policy = new TargetPolicy(), targetBytes, emitsSizes = false } = setting;
    const random = new Random(seed + 1);
    const ids = new IdGenerator();
    const rules = {
      ids,
      knownMethods: knownMethods(setting.methods),
      sideOf: setting.sideOf ?? (() => "server"),
      underClientSpan: setting.underClientSpan ?? false,
      optIn: { server: emitsSizes, client: emitsSizes },
    };
    const toSpan = createSpanFactory({ ...rules, resource, version: "1.2.3", limits: undefined });
    const sampler = createSampler({ name: "always_on", argument: undefined, ids, warn: () => {} });
    const batcher = new EncodedBatcher({ ...rules, sampler });
    const request = new TraceRequest(resource, "1.2.3");
    const cursor = new HttpCursor(policy);
    const eventSize = targetBytes === undefined ? http_event.SIZE : http_event.target + targetBytes;

    for (let done = 0; done < setting.events; done += BATCH_EVENTS) {
      const fields = Array.from({ length: BATCH_EVENTS }, () => anyHttpFields(random, targetBytes));
      cursor.open(httpBatch(fields, { eventSize }), done + 1, CLOCK);
      const events = decodedOf(cursor);
      for (let i = 0; i < cursor.length; i++) {
        if (!batcher.wants(cursor.at(i))) throw new Error(`expected event ${i} to be wanted`);
        batcher.add(cursor.at(i));
      }
      const fast = decodeTraceRequest(request.encode(batcher.take()));
      const plain = decodeTraceRequest(
        ProtobufTraceSerializer.serializeRequest(events.map(toSpan)) ?? new Uint8Array(),
      );
      if (Bun.deepEquals(fast, plain)) continue;
      // The one that differs says more than a request of hundreds.
      const spansOf = ({ resourceSpans }: typeof fast) => resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
      for (const [i, span] of spansOf(fast).entries()) {
        expect<unknown>({ event: events[i], span }).toEqual({ event: events[i], span: spansOf(plain)[i] });
      }
      expect(fast).toEqual(plain);
    }
  },
  120_000,
);

const decodedOf = (batch: RawHttpBatch): HttpEvent[] =>
  Array.from({ length: batch.length }, (_, index) => batch.at(index).decode());
