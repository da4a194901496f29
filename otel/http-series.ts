/**
 * What the metrics of HTTP measure, and by which attributes.
 * @see https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/http/http-metrics.md
 * @module
 */
import type { Attributes } from "@opentelemetry/api";
import type { HttpEvent } from "../ffi/event.ts";
import { serverEndpoint } from "./attributes.ts";
import { ExemplarReservoir } from "./exemplars.ts";
import { Histogram } from "./histogram.ts";
import { OTHER_METHOD } from "./method.ts";
import { errorType } from "./outcome.ts";
import * as semconv from "./semconv.ts";
import type { SpanSide } from "./side.ts";
import { parseTarget } from "./target.ts";

interface Instrument {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  /** Ascending, in the unit. */
  readonly bounds: readonly number[];
  /** What is recorded is so many times the unit: nanoseconds for seconds. */
  readonly scale: number;
}

type Measure = "duration" | "requestSize" | "responseSize";

const DURATION_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** The conventions advise none for sizes; these are the SDK's for any histogram. */
const SIZE_BOUNDS = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];
const NANOS_PER_SECOND = 1e9;

const INSTRUMENTS: Readonly<Record<SpanSide, Readonly<Record<Measure, Instrument>>>> = {
  server: instruments("server"),
  client: instruments("client"),
};

function instruments(side: SpanSide): Record<Measure, Instrument> {
  const size = (message: "request" | "response"): Instrument => ({
    name: `http.${side}.${message}.body.size`,
    description: `Size of HTTP ${side} ${message} bodies.`,
    unit: "By",
    bounds: SIZE_BOUNDS,
    scale: 1,
  });
  return {
    duration: {
      name: `http.${side}.request.duration`,
      description: `Duration of HTTP ${side} requests.`,
      unit: "s",
      bounds: DURATION_BOUNDS,
      scale: NANOS_PER_SECOND,
    },
    requestSize: size("request"),
    responseSize: size("response"),
  };
}

/** All that is recorded under one set of attributes. */
class Series {
  readonly attributes: Attributes;
  readonly duration: Histogram;
  readonly exemplars: ExemplarReservoir;
  /** Undefined unless asked for. */
  readonly requestSize: Histogram | undefined;
  readonly responseSize: Histogram | undefined;

  constructor(attributes: Attributes, hasSizes: boolean) {
    this.attributes = attributes;
    this.duration = histogram(INSTRUMENTS.server.duration);
    this.exemplars = new ExemplarReservoir(DURATION_BOUNDS.length + 1);
    this.requestSize = hasSizes ? histogram(INSTRUMENTS.server.requestSize) : undefined;
    this.responseSize = hasSizes ? histogram(INSTRUMENTS.server.responseSize) : undefined;
  }
}

function histogram({ bounds, scale }: Instrument): Histogram {
  return new Histogram(bounds.map((bound) => Math.round(bound * scale)));
}

/**
 * `server.*` of a server's metric is opt-in, because whoever sends `Host` could make any number of series. Here it is the
 * socket that was reached: nobody outside can make more of those, and without it all servers of the host would be one.
 */
function seriesAttributes(event: HttpEvent, side: SpanSide, knownMethods: ReadonlySet<string>): Attributes {
  const target = parseTarget(event);
  const server = side === "client" ? serverEndpoint(event, target) : event.server;
  const error = errorType(event.status, event.outcome, side);
  const attributes: Attributes = {
    [semconv.ATTR_HTTP_REQUEST_METHOD]: knownMethods.has(event.method) ? event.method : OTHER_METHOD,
    [semconv.ATTR_SERVER_ADDRESS]: server.address,
    [semconv.ATTR_SERVER_PORT]: server.port,
  };
  if (side === "server") attributes[semconv.ATTR_URL_SCHEME] = target.scheme;
  if (event.template !== undefined) {
    attributes[side === "server" ? semconv.ATTR_HTTP_ROUTE : semconv.ATTR_URL_TEMPLATE] = event.template;
  }
  if (event.status !== 0) attributes[semconv.ATTR_HTTP_RESPONSE_STATUS_CODE] = event.status;
  if (error !== undefined) attributes[semconv.ATTR_ERROR_TYPE] = error;
  if (event.version) attributes[semconv.ATTR_NETWORK_PROTOCOL_VERSION] = event.version;
  return attributes;
}

export { INSTRUMENTS, type Instrument, type Measure, Series, seriesAttributes };
