/** Opens connections to a server of its own, as many as a line of input says, or closes them all: `open 100`, `close`. */
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

const host = process.argv[2] ?? "127.0.0.1";
let sockets: Socket[] = [];
let open = 0;
let wake = () => {};

function watch(socket: Socket): void {
  open++;
  wake();
  // A client that ends is answered in kind.
  socket.on("end", () => socket.end());
  socket.on("close", () => {
    open--;
    wake();
  });
  socket.resume();
}

async function untilOpen(count: number): Promise<void> {
  while (open !== count) await new Promise<void>((resolve) => (wake = resolve));
}

const server = createServer({ allowHalfOpen: true }, watch);
await new Promise<void>((resolve) => server.listen({ port: 0, host, backlog: 1024 }, resolve));
const { port } = server.address() as { port: number };
console.log(port);

for await (const line of createInterface({ input: process.stdin })) {
  const [what, count] = line.split(" ");
  if (what === "open") {
    for (let index = 0; index < Number(count); index++) {
      const socket = connect({ port, host }, () => watch(socket));
      sockets.push(socket);
    }
    await untilOpen(2 * sockets.length);
  } else {
    for (const socket of sockets) socket.end();
    sockets = [];
    await untilOpen(0);
  }
  console.log(what);
}
