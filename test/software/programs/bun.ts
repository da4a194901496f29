/** The application on Bun.serve: see `servers/server.ts` for what it answers, `servers/programs.ts` for what it prints. */
import { join } from "node:path";

const [, , port, folder = ""] = process.argv;
const PAUSE_MILLIS = 100;

async function* parts(pauseMillis: number, ended: (bytes: number) => void): AsyncGenerator<string> {
  let bytes = 0;
  for (const part of ["one", "two", "three"]) {
    const text = `data: ${part}\n\n`;
    bytes += text.length;
    yield text;
    await Bun.sleep(pauseMillis);
  }
  ended(bytes);
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  async fetch(request, bun) {
    const clientPort = bun.requestIP(request)?.port;
    const { pathname: path, searchParams } = new URL(request.url);
    const [, kind, name = ""] = path.match(/^\/(?:app\/)?(\w+)\/([^/]*)/) ?? [];
    const status = kind === "upload" ? 201 : 200;
    const requestBodyBytes = request.body === null ? 0 : (await request.arrayBuffer()).byteLength;
    const log = (bodyBytes: number) => {
      const responseBodyBytes = request.method === "HEAD" ? 0 : bodyBytes;
      const ports = { serverPort: server.port, clientPort };
      console.log(
        JSON.stringify({ ...ports, method: request.method, path, status, requestBodyBytes, responseBodyBytes }),
      );
    };
    if (kind === "chunked") return new Response(parts(1, log));
    if (kind === "events")
      return new Response(parts(PAUSE_MILLIS, log), { headers: { "Content-Type": "text/event-stream" } });
    const body =
      kind === "files" ? Bun.file(join(folder, name)) : new Blob(["a few bytes", searchParams.get("echo") ?? ""]);
    log(body.size);
    return new Response(body, { status });
  },
});
console.log("listening");
