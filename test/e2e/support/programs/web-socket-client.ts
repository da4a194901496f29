/** Sends what looks like a request over a WebSocket, prints what comes back, and closes. */
export const socket = new WebSocket(process.argv[2] ?? "");
socket.onopen = () => socket.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
socket.onmessage = ({ data }) => {
  console.log(data);
  socket.close();
};
