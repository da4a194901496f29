/**
 * What becomes of spans between the traffic and the exporter, under the names that the SDK's batching processor would use;
 * the exporter's own numbers are counted by the SDK.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/otel/sdk-metrics.md
 * @module
 */
import type { MeterProvider } from "@opentelemetry/api";
import type { SpanLedger } from "../ffi/event.ts";
import { ATTR_ERROR_TYPE } from "./semconv.ts";

const COMPONENT = {
  "otel.component.type": "batching_span_processor",
  "otel.component.name": "batching_span_processor/0",
};

/** @param capacity spans that the queues hold together */
function observeProcessor(provider: MeterProvider, read: () => SpanLedger, capacity: number): void {
  const meter = provider.getMeter("kernelcast");
  const options = (description: string) => ({ unit: "{span}", description });
  const size = meter.createObservableUpDownCounter(
    "otel.sdk.processor.span.queue.size",
    options("Spans in the queue or under way to the collector."),
  );
  const limit = meter.createObservableUpDownCounter(
    "otel.sdk.processor.span.queue.capacity",
    options("Spans that the queue holds."),
  );
  const processed = meter.createObservableCounter(
    "otel.sdk.processor.span.processed",
    options("Spans that left the queue for an exporter, or found it full."),
  );
  meter.addBatchObservableCallback(
    (result) => {
      const { accepted, queued, dropped } = read();
      result.observe(size, queued, COMPONENT);
      result.observe(limit, capacity, COMPONENT);
      result.observe(processed, accepted - queued, COMPONENT);
      result.observe(processed, dropped.queue_full ?? 0, { ...COMPONENT, [ATTR_ERROR_TYPE]: "queue_full" });
    },
    [size, limit, processed],
  );
}

export { observeProcessor };
