/** A connection over which any bytes can be sent, for what no HTTP client would send. */
export class RawSocket {
  readonly ended: Promise<void>;
  #received = Buffer.alloc(0);
  #watchers: (() => void)[] = [];
  #isEnded = false;
  #end = () => {};
  #socket: Bun.Socket | undefined;

  private constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = () => {
        this.#isEnded = true;
        resolve();
        this.#wake();
      };
    });
  }

  /** @param url of the service: `http://…`, or `unix:/…` */
  static async connect(url: string): Promise<RawSocket> {
    const raw = new RawSocket();
    const socket = {
      data: (_: unknown, bytes: Buffer) => {
        raw.#received = Buffer.concat([raw.#received, bytes]);
        raw.#wake();
      },
      close: () => raw.#end(),
      error: () => raw.#end(),
    };
    raw.#socket = url.startsWith("unix:")
      ? await Bun.connect({ unix: url.slice("unix:".length), socket })
      : await Bun.connect({ hostname: new URL(url).hostname, port: Number(new URL(url).port), socket });
    return raw;
  }

  get received(): Buffer {
    return this.#received;
  }

  get text(): string {
    return this.#received.toString("latin1");
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Bytes that the operating system does not take at once are lost: enough for what no service reads to the end. */
  send(bytes: string | Uint8Array): this {
    this.#socket?.write(bytes);
    return this;
  }

  /** Forgets what has come. */
  clear(): this {
    this.#received = Buffer.alloc(0);
    return this;
  }

  /** Waits until what has come, or the end of the connection, satisfies. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  /**
   * The head and, as far as Content-Length says, the body of the first answer; undefined when the connection ended before.
   * @param hasBody false: to a HEAD
   */
  async answer(hasBody = true): Promise<RawAnswer | undefined> {
    await this.until(() => this.#isEnded || parse(this.text, hasBody) !== undefined);
    return parse(this.text, hasBody);
  }

  /** Reads no more, so that what is sent soon has nowhere to go. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  close(): void {
    this.#socket?.end();
  }

  /** Ends it as a crash does, with RST. */
  abort(): void {
    this.#socket?.terminate();
  }

  #wake(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const wake of watchers) wake();
  }
}

export interface RawAnswer {
  status: number;
  /** Status line and fields. */
  head: string;
  body: string;
}

function parse(text: string, hasBody: boolean): RawAnswer | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const body = text.slice(end + 4);
  if (hasBody && body.length < Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)) return undefined;
  return { status: Number(head.split(" ")[1]), head, body };
}

/** The text of a request; a field of that name in `fields` takes the place of our `Host`. */
export function requestText(target: string, fields: readonly string[] = []): string {
  const host = fields.some((field) => /^host:/i.test(field)) ? [] : ["Host: 127.0.0.1"];
  return [`${target} HTTP/1.1`, ...host, ...fields, "", ""].join("\r\n");
}

export const UPGRADE_FIELDS = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
