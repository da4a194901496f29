/**
 * An application that OpenTelemetry's own SDK for Node instruments, as its documentation says; run by Node. `server` prints
 * its port, answers until a line of input comes, and exports. `client URL COUNT` sends so many requests, and exports.
 */
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { NodeSDK } from "@opentelemetry/sdk-node";

const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation()] });
sdk.start();
// Behind the SDK's back, as it were: what is required before it has started is not instrumented.
/** @type {typeof import("node:http")} */
const http = createRequire(import.meta.url)("node:http");
const [role, url, count] = process.argv.slice(2);

/** @param {string} path */
function get(path) {
  return new Promise((resolve, reject) => {
    http.get(new URL(path, url), (response) => response.resume().on("end", resolve)).on("error", reject);
  });
}

if (role === "server") {
  const server = http.createServer((request, response) => {
    response.statusCode = request.url?.endsWith("7") ? 500 : 200;
    response.end("hello");
  });
  server.listen(0, "127.0.0.1", () =>
    console.log(/** @type {import("node:net").AddressInfo} */ (server.address()).port),
  );
  createInterface({ input: process.stdin }).once("line", async () => {
    await sdk.shutdown();
    process.exit();
  });
} else {
  for (let i = 0; i < Number(count); i++) await get(`/traced/${i}`);
  await sdk.shutdown();
  process.exit();
}
