/**
 * The metrics of the host's HTTP traffic. The SDK's own histogram takes 0.6 to 1.2 µs for a value, more than all the rest
 * of an event's way; so values are added up here, a tenth of that, and handed to the SDK's reader when it asks.
 * @module
 */
import type { HrTime } from "@opentelemetry/api";
import type { HttpEvent, RawHttpBatch, RawHttpEvent, RawHttpSink } from "../ffi/event.ts";
import type { Series } from "./http-series.ts";
import type { IdGenerator } from "./ids.ts";
import type { OptIn } from "./opt-in.ts";
import { RecordCache } from "./record-cache.ts";
import { SeriesTable } from "./series-table.ts";
import type { SideRule, SpanSide } from "./side.ts";
import { parseTraceparent } from "./traceparent.ts";

interface HttpMetricsOptions {
  /** As those of the spans: a transaction is measured on each side that has a span of it. */
  sideRules: readonly SideRule[];
  knownMethods: ReadonlySet<string>;
  optIn: OptIn;
  ids: IdGenerator;
  /** Whether the event has a span that an exemplar may point at. Undefined: none has. */
  hasSpan: ((event: HttpEvent) => boolean) | undefined;
  seriesMax?: number;
}

const SLASH = 47;
const ADDRESS_BYTES = 16;
/** A length, and the longest of the texts that are looked at. */
const TEXT_WORDS = 1 + 16;
const CACHE_SLOTS = 1024;
const TWO_TO_32 = 2 ** 32;
const NANOS_PER_SECOND = 1_000_000_000n;

class HttpMetrics implements RawHttpSink {
  readonly #options: HttpMetricsOptions;
  readonly #addresses = new RecordCache<string>(CACHE_SLOTS, ADDRESS_BYTES / 4);
  readonly #texts = new RecordCache<string>(CACHE_SLOTS, TEXT_WORDS);
  /** Known ones from 1 on; 0 is any other. */
  readonly #methodNumbers: ReadonlyMap<string, number>;
  readonly #tables: Readonly<Record<SpanSide, SeriesTable>>;

  constructor(options: HttpMetricsOptions) {
    const { knownMethods, optIn, seriesMax } = options;
    const table = (side: SpanSide) =>
      new SeriesTable({ side, knownMethods, hasSizes: optIn[side], ...(seriesMax === undefined ? {} : { seriesMax }) });
    this.#options = options;
    this.#methodNumbers = new Map([...knownMethods].map((method, index) => [method, index + 1]));
    this.#tables = { server: table("server"), client: table("client") };
  }

  /** The series of a side that have ever been recorded. */
  series(side: SpanSide): Iterable<Series> {
    return this.#tables[side];
  }

  offerRaw(batch: RawHttpBatch): void {
    const { sideRules } = this.#options;
    for (let index = 0; index < batch.length; index++) {
      const event = batch.at(index);
      const server = this.#address(event, event.serverAddressAt, "server");
      for (const sideOf of sideRules) {
        const side = sideOf.ofServer?.(server) ?? sideOf(this.#address(event, event.clientAddressAt, "client"), server);
        this.#record(this.#find(event, side, server), side, event);
      }
    }
  }

  #record(series: Series, side: SpanSide, event: RawHttpEvent): void {
    const nanos = (event.endHigh - event.startHigh) * TWO_TO_32 + (event.endLow - event.startLow);
    const bucket = series.duration.record(nanos);
    if (this.#options.hasSpan !== undefined && series.exemplars.offer(bucket)) {
      this.#sample(series, side, bucket, nanos, event);
    }
    series.requestSize?.record(event.requestBodyBytes);
    if (series.responseSize !== undefined && event.responseBodyBytes !== undefined) {
      series.responseSize.record(event.responseBodyBytes);
    }
  }

  #sample(series: Series, side: SpanSide, bucket: number, nanos: number, event: RawHttpEvent): void {
    const { ids, hasSpan } = this.#options;
    const decoded = event.decode();
    if (!hasSpan?.(decoded)) {
      series.exemplars.pass(bucket);
      return;
    }
    const { traceparent } = decoded;
    const caller = traceparent === undefined ? undefined : parseTraceparent(traceparent);
    series.exemplars.keep(bucket, {
      value: nanos,
      time: hrTime(event.endHigh, event.endLow),
      traceId: caller?.traceId ?? ids.traceId(event.seq),
      spanId: ids.spanId(event.seq, side),
    });
  }

  /**
   * All that distinguishes series is in the key. The text has the route, and the address of the server or the host that the
   * client asked it for; the number the rest. A target that is no path may name another host: it has no key.
   */
  #find(event: RawHttpEvent, side: SpanSide, serverAddress: string): Series {
    const table = this.#tables[side];
    if (event.bytes[event.targetAt] !== SLASH) return table.of(event.decode());
    const isByHost = side === "client" && event.hostLength > 0;
    const name = isByHost ? this.#host(event) : serverAddress;
    const route = event.isPathShown ? undefined : event.path().template;
    const text = route === undefined ? name : `${name} ${route}`;
    const method = this.#methodNumbers.get(this.#method(event)) ?? 0;
    const codes = (event.status * 8 + event.outcome) * 4 + event.version;
    const number = ((method * 2 + (isByHost ? 1 : 0)) * 2 ** 16 + event.serverPort) * 2 ** 21 + codes;
    return table.find(text, number) ?? table.add(text, number, event.decode());
  }

  #address(event: RawHttpEvent, at: number, end: "client" | "server"): string {
    const cache = this.#addresses;
    cache.begin();
    cache.words(event.words, at, ADDRESS_BYTES);
    return cache.find() ?? cache.keep(event.decode()[end].address);
  }

  #host(event: RawHttpEvent): string {
    return this.#text(event, event.hostAt, event.hostLength);
  }

  #method(event: RawHttpEvent): string {
    return this.#text(event, event.methodAt, event.methodLength);
  }

  #text({ words, bytes }: RawHttpEvent, at: number, length: number): string {
    const cache = this.#texts;
    cache.begin();
    cache.number(length);
    cache.words(words, at, length);
    return cache.find() ?? cache.keep(bytes.latin1Slice(at, at + length));
  }
}

function hrTime(high: number, low: number): HrTime {
  const nanos = (BigInt(high) << 32n) | BigInt(low);
  return [Number(nanos / NANOS_PER_SECOND), Number(nanos % NANOS_PER_SECOND)];
}

export { HttpMetrics, type HttpMetricsOptions };
