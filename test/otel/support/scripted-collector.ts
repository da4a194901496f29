import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createSecureServer, type ServerOptions } from "node:https";
import { gunzipSync } from "node:zlib";
import { receivedSpans } from "./otlp.ts";
import { violations } from "./validator.ts";

const DRIP_MILLIS = 20;

/**
 * What the collector does with a request. `partial` rejects that many spans; `hang` never answers; `die` closes the
 * connection without an answer, `cut` within the body of a 200; `later` asks to try again at once; `drip` answers a byte at
 * a time, for ever, in the head of a 200 or in its body; `large` answers with so many bytes.
 */
type Action =
  | { do: "take" }
  | { do: "partial"; rejected: number }
  | { do: "status"; status: number; retryAfter?: string }
  | { do: "later" }
  | { do: "drip"; where: "head" | "body" }
  | { do: "large"; bytes: number; status: number }
  | { do: "garbage" }
  | { do: "hang" }
  | { do: "die" }
  | { do: "cut" };

/**
 * An OTLP/HTTP collector in JSON whose every answer is in a script, or for metrics in one action. It counts the spans it
 * acknowledged, independently of what the sender believes, and holds each against the conventions.
 */
class ScriptedCollector {
  /** Actions for the next requests; when none is left, `otherwise` it is. */
  readonly script: Action[] = [];
  otherwise: Action = { do: "take" };
  /** What it does with metrics. */
  withMetrics: Action = { do: "take" };
  requests = 0;
  /** When each came, `performance.now()`. */
  readonly times: number[] = [];
  /** Of the last request. */
  headers: IncomingHttpHeaders = {};
  metricRequests = 0;
  /** Of the largest request. */
  bytesMax = 0;
  readonly violations: string[] = [];
  /** Spans in requests that were acknowledged, less those rejected. */
  taken = 0;
  rejected = 0;
  readonly #server: Server;

  /** @param tls makes it speak HTTPS */
  constructor(tls?: ServerOptions) {
    const onRequest = (request: IncomingMessage, response: ServerResponse) => this.#receive(request, response);
    this.#server = tls === undefined ? createServer(onRequest) : createSecureServer(tls, onRequest);
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("expected to be listening on a port");
    return address.port;
  }

  /** @param port 0 for any free one */
  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.url?.endsWith("/v1/metrics")) {
        this.metricRequests++;
        this.#answer(this.withMetrics, 0, response);
        return;
      }
      this.requests++;
      this.times.push(performance.now());
      this.headers = request.headers;
      const body = Buffer.concat(chunks);
      this.bytesMax = Math.max(this.bytesMax, body.length);
      const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      const spans = receivedSpans(JSON.parse(text.toString()));
      this.violations.push(...spans.flatMap(violations));
      this.#answer(this.script.shift() ?? this.otherwise, spans.length, response);
    });
  }

  #answer(action: Action, spans: number, response: ServerResponse): void {
    switch (action.do) {
      case "take":
        this.taken += spans;
        response.end("{}");
        break;
      case "partial": {
        const rejected = Math.min(action.rejected, spans);
        this.taken += spans - rejected;
        this.rejected += rejected;
        // An int64 is a string in OTLP/JSON.
        const [rejectedSpans, rejectedDataPoints] = [String(rejected), String(action.rejected)];
        response.end(JSON.stringify({ partialSuccess: { rejectedSpans, rejectedDataPoints, errorMessage: "no" } }));
        break;
      }
      case "garbage":
        this.taken += spans;
        response.end("\u0000 this is no answer {");
        break;
      case "status":
        if (action.status < 300) this.taken += spans;
        response.writeHead(action.status, action.retryAfter === undefined ? {} : { "Retry-After": action.retryAfter });
        response.end(action.status === 204 || action.status === 304 ? undefined : "{}");
        break;
      case "drip": {
        const { socket } = response;
        if (action.where === "body") response.writeHead(200);
        else socket?.write("HTTP/1.1 200 OK\r\nX-Slow: ");
        const drip = setInterval(() => (action.where === "body" ? response : socket)?.write("x"), DRIP_MILLIS);
        socket?.on("close", () => clearInterval(drip));
        break;
      }
      case "large":
        if (action.status < 300) this.taken += spans;
        response.writeHead(action.status).end(Buffer.alloc(action.bytes, " "));
        break;
      case "later":
        // A date in the past: the SDK waits for no whole second, as it would after a number.
        response.writeHead(503, { "Retry-After": "Thu, 01 Jan 1970 00:00:01 GMT" }).end();
        break;
      case "hang":
        break;
      case "die":
        response.socket?.destroy();
        break;
      case "cut":
        this.taken += spans;
        response.writeHead(200, { "Content-Length": "100" });
        response.write("{");
        response.socket?.destroy();
        break;
    }
  }
}

export { type Action, ScriptedCollector };
