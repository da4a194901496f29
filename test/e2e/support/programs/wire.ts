/**
 * Plays a conversation over a real connection, both ends in this process, step by step: a step is over when the other end has
 * seen it, so that packets leave in the order of the script and never joined. Prints the ports when all is played.
 */
import { connect, createServer, type Socket } from "node:net";
import type { Step } from "../wire.ts";

const [, , host = "", script = "[]"] = process.argv;

/** One end, and what it has seen of the other. */
class End {
  received = 0;
  ended = false;
  gone = false;
  readonly socket: Socket;
  #wake = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.#saw(() => (this.received += bytes.length)));
    socket.on("end", () => this.#saw(() => (this.ended = true)));
    socket.on("error", () => this.#saw(() => (this.gone = true)));
    socket.on("close", () => this.#saw(() => (this.gone = true)));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #saw(change: () => void): void {
    change();
    this.#wake();
  }
}

async function play([from, act]: Step, sender: End, receiver: End): Promise<void> {
  if (typeof act === "string") {
    const wanted = receiver.received + Buffer.byteLength(act, "latin1");
    sender.socket.write(act, "latin1");
    await receiver.until(() => receiver.received >= wanted);
  } else if (act.do === "end") {
    sender.socket.end();
    await receiver.until(() => receiver.ended);
  } else if (act.do === "reset") {
    sender.socket.resetAndDestroy();
    await receiver.until(() => receiver.gone);
  } else {
    throw new Error(`${from}: unknown step ${JSON.stringify(act)}`);
  }
}

const server = createServer({ allowHalfOpen: true });
await new Promise<void>((resolve) => server.listen(0, host, resolve));
const { port } = server.address() as { port: number };
const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
const clientSocket = connect({ port, host, allowHalfOpen: true });
await new Promise<void>((resolve) => clientSocket.once("connect", resolve));
const client = new End(clientSocket);
const peer = new End(await accepted);
const clientPort = clientSocket.localPort;

for (const step of JSON.parse(script) as Step[])
  await (step[0] === "client" ? play(step, client, peer) : play(step, peer, client));
console.log(JSON.stringify({ clientPort, serverPort: port }));
// The connection stays until the test has seen enough.
process.stdin.once("data", () => process.exit(0));
