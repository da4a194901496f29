/**
 * Calls POST /sync again and again, some at once, over kept connections, and prints the outcome of each: its status and
 * error code, `closed` when the connection ended first, or `refused`, after which it ends once every call has an outcome.
 */
import { Agent, request } from "node:http";

const AT_ONCE = 4;
const url = `${process.argv[2]}/sync`;
const agent = new Agent({ keepAlive: true });

function call(): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(url, { method: "POST", agent }, (response) => {
      let text = "";
      response.on("data", (bytes: Buffer) => {
        text += bytes;
      });
      response.on("error", () => resolve("closed"));
      response.on("end", () => {
        const { error } = JSON.parse(text) as { error?: { code: string } };
        resolve([response.statusCode, ...(error === undefined ? [] : [error.code])].join(" "));
      });
    });
    sent.on("error", (error: NodeJS.ErrnoException) => {
      resolve(/REFUSED/i.test(error.code ?? "") ? "refused" : "closed");
    });
    sent.end();
  });
}

async function callAgain(): Promise<void> {
  for (;;) {
    const outcome = await call();
    console.log(outcome);
    if (outcome === "refused") return;
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, callAgain));
process.exit(0);
