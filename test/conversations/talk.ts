/**
 * Plays conversations over real connections, both ends in this process. A line of standard input is a part of one; a part is
 * over, and answered with a line, when the other end has seen each step of it, so that the packets leave one by one.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

export interface Part {
  /** Parts with the same number are of one connection. */
  id: number;
  host: "127.0.0.1" | "::1";
  steps: Talk[];
  /** Bytes of a step are sent in so many pieces at most, none of them smaller than `smallestPiece`. */
  pieces: number;
  smallestPiece: number;
}

export interface Talk {
  from: "client" | "server";
  /** Base64; empty: see `then`. */
  bytes: string;
  then?: "end" | "reset";
}

export interface Ports {
  id: number;
  clientPort: number;
  serverPort: number;
}

/** One end, and what it has seen of the other. */
class End {
  readonly socket: Socket;
  #received = 0;
  #ended = false;
  #gone = false;
  #wake = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.#see(() => (this.#received += bytes.length)));
    socket.on("end", () => this.#see(() => (this.#ended = true)));
    socket.on("error", () => this.#see(() => (this.#gone = true)));
    socket.on("close", () => this.#see(() => (this.#gone = true)));
  }

  async send(bytes: Uint8Array, to: End): Promise<void> {
    const wanted = to.#received + bytes.length;
    this.socket.write(bytes);
    await to.#until(() => to.#received >= wanted);
  }

  async finish(then: "end" | "reset", to: End): Promise<void> {
    if (then === "end") this.socket.end();
    else this.socket.resetAndDestroy();
    await to.#until(() => to.#gone || (then === "end" && to.#ended));
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #see(change: () => void): void {
    change();
    this.#wake();
  }
}

type Ends = { client: End; server: End; ports: Omit<Ports, "id"> };

async function openServer(host: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return server;
}

async function openEnds(server: Server): Promise<Ends> {
  const { address, port } = server.address() as { address: string; port: number };
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const socket = connect({ host: address, port, allowHalfOpen: true });
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  const ports = { clientPort: socket.localPort as number, serverPort: port };
  return { client: new End(socket), server: new End(await accepted), ports };
}

async function play({ steps, pieces, smallestPiece }: Part, ends: Ends): Promise<void> {
  for (const { from, bytes, then } of steps) {
    const to = ends[from === "client" ? "server" : "client"];
    const all = Buffer.from(bytes, "base64");
    const size = Math.max(smallestPiece, Math.ceil(all.length / pieces));
    for (let at = 0; at < all.length; at += size) await ends[from].send(all.subarray(at, at + size), to);
    if (then !== undefined) await ends[from].finish(then, to);
  }
}

async function main(): Promise<void> {
  const servers = { "127.0.0.1": await openServer("127.0.0.1"), "::1": await openServer("::1") };
  const open = new Map<number, Ends>();
  for await (const line of console) {
    const part = JSON.parse(line) as Part;
    const ends = open.get(part.id) ?? (await openEnds(servers[part.host]));
    open.set(part.id, ends);
    await play(part, ends);
    console.log(JSON.stringify({ id: part.id, ...ends.ports } satisfies Ports));
  }
  // The connections have stayed as they were until the test had seen enough.
  process.exit(0);
}

if (import.meta.main) await main();
