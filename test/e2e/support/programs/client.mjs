// Runs the scenario in Bun or Node, with the client as a user of the package has it.
import * as client from "kernelcast/client";
import { scenario } from "./client-scenario.mjs";

const [url = "", token = "", way = ""] = process.argv.slice(2);
/** @type {Record<string, { transport?: "websocket" | "http", format?: "binary" }>} */
const ways = {
  websocket: { transport: "websocket" },
  http: { transport: "http" },
  records: { transport: "websocket", format: "binary" },
};
await scenario(client, { url, token, ...ways[way] }, (line) => console.log(line));
