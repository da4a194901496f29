import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { receivedSpans } from "./otlp.ts";
import { violations } from "./validator.ts";

/**
 * What the collector does with a request. `partial` rejects that many spans; `hang` never answers; `die` closes the
 * connection without an answer, `cut` within the body of a 200; `later` asks to try again at once.
 */
type Action =
  | { do: "take" }
  | { do: "partial"; rejected: number }
  | { do: "status"; status: number }
  | { do: "later" }
  | { do: "garbage" }
  | { do: "hang" }
  | { do: "die" }
  | { do: "cut" };

/**
 * An OTLP/HTTP collector in JSON whose every answer to spans is in a script; metrics it takes. It counts the spans it
 * acknowledged, independently of what the sender believes, and holds each against the conventions.
 */
class ScriptedCollector {
  /** Actions for the next requests; when none is left, `otherwise` it is. */
  readonly script: Action[] = [];
  otherwise: Action = { do: "take" };
  requests = 0;
  metricRequests = 0;
  readonly violations: string[] = [];
  /** Spans in requests that were acknowledged, less those rejected. */
  taken = 0;
  rejected = 0;
  readonly #server = createServer((request, response) => this.#receive(request, response));

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
        response.end("{}");
        return;
      }
      this.requests++;
      const spans = receivedSpans(JSON.parse(Buffer.concat(chunks).toString()));
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
        response.end(JSON.stringify({ partialSuccess: { rejectedSpans: String(rejected), errorMessage: "no" } }));
        break;
      }
      case "garbage":
        this.taken += spans;
        response.end("\u0000 this is no answer {");
        break;
      case "status":
        response.writeHead(action.status).end("{}");
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
