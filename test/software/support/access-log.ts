/**
 * What a server says of the requests that it served. Fields after `status` are there only where a server's log has them
 * and means by them what an event means: the bytes on the wire.
 */
export interface LoggedRequest {
  serverPort: number;
  clientPort: number;
  method: string;
  /** Request target up to `?`. */
  path: string;
  status: number;
  /** "1.0" or "1.1". */
  version?: string;
  /** Start line to empty line, inclusive. */
  requestHeaderBytes?: number;
  /** Without the framing of chunks. */
  requestBodyBytes?: number;
  /** Header and body together, for a log that does not tell them apart. */
  requestBytes?: number;
  responseHeaderBytes?: number;
  responseBodyBytes?: number;
  responseBytes?: number;
}

/** A log that is late is waited for no longer than this: what is missing then is better shown than waited for. */
const LATE_MILLIS = 10_000;

/** The access logs of one or more servers, as they grow. */
export class AccessLog {
  readonly #requests: LoggedRequest[] = [];
  #taken = 0;
  #wake = () => {};

  /** Takes one server's line through `parse`; give it to the process that prints the log. */
  reader(parse: (line: string) => LoggedRequest): (line: string) => void {
    return (line) => {
      this.#requests.push(parse(line));
      this.#wake();
    };
  }

  /** What was logged since the last call, as soon as it is at least `count` requests. */
  async take(count: number): Promise<LoggedRequest[]> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, LATE_MILLIS);
    while (this.#requests.length - this.#taken < count && !late)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    clearTimeout(timer);
    const taken = this.#requests.slice(this.#taken);
    this.#taken += taken.length;
    return taken;
  }
}

/** An interim answer, which servers and clients count with the final one, each in its own way. */
export const CONTINUE_BYTES = "HTTP/1.1 100 Continue\r\n\r\n".length;

/** The path of a request target, as events have it. */
export function pathOf(target: string): string {
  return target.split("?", 1)[0] as string;
}
