// Runs the scenario in Bun or Node, with the client as a user of the package has it.
import * as client from "kernelcast/client";
import { scenario } from "./client-scenario.mjs";

const [url = "", token = "", transport] = process.argv.slice(2);
const chosen = /** @type {"websocket" | "http" | undefined} */ (transport);
await scenario(client, { url, token, ...(chosen !== undefined && { transport: chosen }) }, (line) => console.log(line));
