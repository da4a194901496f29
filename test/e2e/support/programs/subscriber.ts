/** Prints every frame of a subscription as a line, and at last how the connection was closed. */
export const socket = new WebSocket(process.argv[2] ?? "");
socket.onmessage = ({ data }) => console.log(data);
socket.onclose = ({ code, reason }) => console.log(JSON.stringify({ type: "close", code, reason }));
