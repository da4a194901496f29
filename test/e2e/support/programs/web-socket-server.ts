/** Answers every request, and sends back what comes over a WebSocket. Prints its host and port. */
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: async (request, bun) => {
    if (bun.upgrade(request)) return undefined;
    return new Response(`${(await request.arrayBuffer()).byteLength}`);
  },
  websocket: {
    message(socket, message) {
      socket.send(message);
    },
  },
});
console.log(`${server.hostname}:${server.port}`);
