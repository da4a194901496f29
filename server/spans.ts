import type { SpanLedger } from "../ffi/event.ts";

/** What the server needs of the span side. Structural, so that `server/` knows nothing of `otel/`. */
interface Spans {
  stats(): SpanLedger;
  /** Resolves when everything accepted before the call was acknowledged, refused or dropped; may reject when the collector failed. */
  flush(): Promise<void>;
}

export type { Spans };
