/** A subscriber that reads nothing after the answer to its upgrade. */
import { connect } from "node:net";

const { host, hostname, port } = new URL(process.argv[2] ?? "");
const socket = connect(Number(port), hostname, () => {
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
});
socket.once("data", () => {
  socket.pause();
  console.log("stalled");
});
