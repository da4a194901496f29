import type { HttpEvent } from "../../../ffi/event.ts";
import type { ExportOutcome } from "../../../otel/export-outcome.ts";
import type { SpanBatchExporter } from "../../../otel/exporter.ts";
import type { SpanBatch } from "../../../otel/queue.ts";

type Events = readonly HttpEvent[];

/** An exporter whose outcomes the test decides. It proves nothing about OTLP, the SDK or the network. */
class FakeExporter implements SpanBatchExporter<Events> {
  readonly url = "http://fake/v1/traces";
  readonly batches: SpanBatch<Events>[] = [];
  readonly #pending: ((outcome: ExportOutcome) => void)[] = [];
  /** The answer to every further batch; without it a batch waits for `answer`. */
  auto: ((batch: SpanBatch<Events>) => ExportOutcome) | undefined;
  isCut = false;

  /** Exports that have no outcome yet. */
  get pending(): number {
    return this.#pending.length;
  }

  export(batch: SpanBatch<Events>): Promise<ExportOutcome> {
    this.batches.push(batch);
    if (this.auto !== undefined) return Promise.resolve(this.auto(batch));
    return new Promise((resolve) => this.#pending.push(resolve));
  }

  /** Ends the export at `index` of those pending. */
  answer(outcome: ExportOutcome, index = 0): void {
    const [resolve] = this.#pending.splice(index, 1);
    if (resolve === undefined) throw new Error(`expected a pending export at ${index}, have ${this.#pending.length}`);
    resolve(outcome);
  }

  cut(): void {
    this.isCut = true;
  }
}

export { FakeExporter };
