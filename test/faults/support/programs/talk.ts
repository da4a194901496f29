/**
 * One connection, both ends of it in this process, played step by step as lines of input say: `["client", "text"]`, or
 * `["server", {"do":"end"}]`. Answers `done` when the other end has seen the step. Begins with a line of the ports.
 */
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Step } from "../../../e2e/support/wire.ts";

const host = process.argv[2] ?? "127.0.0.1";

function counted(socket: Socket) {
  const end = { socket, received: 0, gone: false, wake: () => {} };
  const saw = (change: () => void) => {
    change();
    end.wake();
  };
  socket.setNoDelay(true);
  socket.on("data", (bytes: Buffer) => saw(() => (end.received += bytes.length)));
  for (const event of ["end", "error", "close"]) socket.on(event, () => saw(() => (end.gone = true)));
  return end;
}

const server = createServer({ allowHalfOpen: true });
await new Promise<void>((resolve) => server.listen(0, host, resolve));
const { port } = server.address() as { port: number };
const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
const clientSocket = connect({ port, host, allowHalfOpen: true });
await new Promise<void>((resolve) => clientSocket.once("connect", resolve));
const ends = { client: counted(clientSocket), server: counted(await accepted) };
console.log(JSON.stringify({ clientPort: clientSocket.localPort, serverPort: port }));

for await (const line of createInterface({ input: process.stdin })) {
  const [from, act] = JSON.parse(line) as Step;
  const { socket } = ends[from];
  const other = ends[from === "client" ? "server" : "client"];
  const wanted = other.received + (typeof act === "string" ? Buffer.byteLength(act) : 0);
  if (typeof act === "string") socket.write(act);
  else if (act.do === "end") socket.end();
  else socket.resetAndDestroy();
  const seen = () => (typeof act === "string" ? other.received >= wanted : other.gone);
  while (!seen()) await new Promise<void>((resolve) => (other.wake = resolve));
  console.log("done");
}
