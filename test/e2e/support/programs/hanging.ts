/** A collector that takes connections and never answers. Prints its address, then a line for each connection. */
import { createServer } from "node:net";

const server = createServer((socket) => {
  console.log("connected");
  socket.resume();
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as { port: number };
  console.log(`http://127.0.0.1:${port}`);
});
