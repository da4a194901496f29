/** The application on Node's http server: see `servers/server.ts` for what it answers, `servers/programs.ts` for what it prints. */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const [, , port, folder = ""] = process.argv;
const PAUSE_MILLIS = 100;

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */

/** @param {Request} request @param {Response} response @param {(bytes: string | Buffer) => unknown} write */
async function answer(request, response, write) {
  const [, kind, name = ""] = request.url?.match(/^\/(?:app\/)?(\w+)\/([^/?]*)/) ?? [];
  if (kind === "files") {
    const file = join(folder, name);
    response.setHeader("Content-Length", statSync(file).size);
    if (request.method !== "HEAD") for await (const bytes of createReadStream(file)) await write(bytes);
  } else if (kind === "chunked" || kind === "events") {
    if (kind === "events") response.setHeader("Content-Type", "text/event-stream");
    for (const part of ["one", "two", "three"]) {
      await write(`data: ${part}\n\n`);
      await new Promise((resolve) => setTimeout(resolve, kind === "events" ? PAUSE_MILLIS : 1));
    }
  } else {
    response.statusCode = kind === "upload" ? 201 : 200;
    const body = `a few bytes${request.url?.split("?echo=")[1] ?? ""}`;
    response.setHeader("Content-Length", body.length);
    await write(body);
  }
}

const server = createServer(async (request, response) => {
  const { remotePort: clientPort, localPort: serverPort } = request.socket;
  let requestBodyBytes = 0;
  let responseBodyBytes = 0;
  response.on("close", () => {
    // The head as it was sent: Node has no public name for it.
    const responseHeaderBytes = /** @type {any} */ (response)._header.length;
    console.log(
      JSON.stringify({
        serverPort,
        clientPort,
        method: request.method,
        path: request.url?.split("?", 1)[0],
        status: response.statusCode,
        version: request.httpVersion,
        requestBodyBytes,
        responseHeaderBytes,
        responseBodyBytes,
      }),
    );
  });
  for await (const bytes of request) requestBodyBytes += bytes.length;
  await answer(request, response, (bytes) => {
    if (request.method === "HEAD") return;
    responseBodyBytes += bytes.length;
    return response.write(bytes) || new Promise((resolve) => response.once("drain", resolve));
  });
  response.end();
});
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 1024 }, () => console.log("listening"));
