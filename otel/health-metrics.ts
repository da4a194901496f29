/**
 * Kernelcast's own health as observable instruments: the same numbers, under the same names, as `/metrics` shows.
 * @module
 */
import { type Meter, type Observable, ValueType } from "@opentelemetry/api";

/** One metric at a moment. Structural, so that `otel/` knows nothing of `server/`. */
interface HealthMetric {
  /** With dots, without unit. */
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** UCUM; the empty text for none. */
  readonly unit: string;
  readonly samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
}

/**
 * Each collection reads once. What there is to read, apart from the samples, must be the same at every reading.
 * @param read must not throw
 */
function observeHealth(meter: Meter, read: () => readonly HealthMetric[]): void {
  const instruments = new Map<string, Observable>();
  for (const { name, type, help: description, unit } of read()) {
    const options = { description, unit, valueType: unit === "s" ? ValueType.DOUBLE : ValueType.INT };
    const create = type === "counter" ? meter.createObservableCounter : meter.createObservableGauge;
    instruments.set(name, create.call(meter, name, options));
  }
  meter.addBatchObservableCallback(
    (result) => {
      for (const { name, samples } of read()) {
        const instrument = instruments.get(name);
        if (instrument === undefined) continue;
        for (const [labels, value] of samples) result.observe(instrument, value, labels);
      }
    },
    [...instruments.values()],
  );
}

export { type HealthMetric, observeHealth };
