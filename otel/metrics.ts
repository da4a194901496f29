/**
 * The way of metrics to the collector: a reader of the SDK's that collects what the SDK counts and what is counted here.
 * @module
 */
import { type IMetricReader, InstrumentType, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { withEnvironment } from "./environment.ts";
import type { CollectorHealth } from "./health.ts";
import type { HttpMetrics } from "./http-metrics.ts";
import type { Log } from "./log.ts";
import { createMetricExporter } from "./metric-exporter.ts";
import { createHttpMetricProducer } from "./metric-producer.ts";
import type { MetricSettings } from "./metric-settings.ts";
import type { Environment } from "./settings.ts";

interface MetricReaderOptions {
  env: Environment;
  log: Log;
  settings: MetricSettings;
  metrics: HttpMetrics;
  /** Of Kernelcast. */
  version: string;
}

interface MetricExport {
  /** Where the metrics go. */
  readonly url: string;
  readonly health: CollectorHealth;
  /** To be given to the SDK, which starts and ends it. */
  readonly reader: IMetricReader;
}

function createMetricExport({ env, log, settings, metrics, version }: MetricReaderOptions): MetricExport {
  const { protocol, intervalMillis, timeoutMillis } = settings;
  return withEnvironment(env, () => {
    const { url, health, exporter } = createMetricExporter({ protocol, log, timeoutMillis });
    const temporality = exporter.selectAggregationTemporality(InstrumentType.HISTOGRAM);
    const reader = new PeriodicExportingMetricReader({
      exporter,
      exportIntervalMillis: intervalMillis,
      exportTimeoutMillis: timeoutMillis,
      metricProducers: [createHttpMetricProducer({ metrics, temporality, version })],
    });
    return { url, health, reader };
  });
}

export { createMetricExport, type MetricExport };
