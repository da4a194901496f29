import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Browser } from "./support/browser.ts";
import { Child, endAll } from "./support/child.ts";
import { removeFolders, temporaryFolder } from "./support/nginx.ts";
import { scenario } from "./support/programs/client-scenario.mjs";
import { startRecorded } from "./support/recorded.ts";

/** The client where it is used, with the service as a user runs it, which is killed and started anew on the way. */

const LIMIT_MILLIS = 60_000;
const CONTROL = "control-0123456789";
const PROGRAM = new URL("support/programs/client.mjs", import.meta.url).pathname;
const RECORDED = Array.from({ length: 80 }, (_, index) => index + 1);

afterEach(async () => {
  await endAll();
  removeFolders();
}, LIMIT_MILLIS);

/** Runs the scenario, in which the service has another life when that is asked for. @returns what was said, by step */
async function play(run: (url: string, token: string) => Promise<{ said: () => string[]; until: Wait }>) {
  const tokenFile = join(temporaryFolder(), "tokens");
  writeFileSync(tokenFile, CONTROL, { mode: 0o600 });
  const flags = ["--token-file", tokenFile];
  const { process, url } = await startRecorded({ flags });
  const { said, until } = await run(url, CONTROL);
  const steps = () => Object.fromEntries(said().map((line) => JSON.parse(line) as [string, unknown]));
  await until(() => "ready" in steps());
  await process.stop("SIGKILL");
  await startRecorded({ flags: [...flags, `--port=${new URL(url).port}`] });
  await until(() => "closed" in steps());
  return steps();
}

type Wait = (condition: () => boolean) => Promise<void>;

function inProcess(...argv: string[]) {
  return async (url: string, token: string) => {
    const child = new Child([...argv.slice(0, 2), PROGRAM, url, token, ...argv.slice(2)].filter((word) => word !== ""));
    const said = () => child.stdout.split("\n").slice(0, -1);
    return { said, until: (condition: () => boolean) => child.until(condition) };
  };
}

async function inBrowser(url: string, token: string) {
  const browser = await Browser.open(`${url}/`);
  const ran = browser.evaluate(
    `(async () => (${scenario})(await import("/client/connect.js"), ${JSON.stringify({ url, token })}, (line) => console.log(line)))()`,
  );
  ran.catch((error) => browser.said.push(JSON.stringify(["closed", String(error)])));
  return {
    said: () => browser.said.filter((line) => line.startsWith("[")),
    until: (condition: () => boolean) => browser.saying(condition),
  };
}

const EXPECTED = {
  refused: [true, "bad_token", 401],
  hello: { status: ["!502", "5xx"] },
  iterated: [
    [22, 500, "/api/stock"],
    [47, 500, "/api/stock"],
    [73, 500, "/api/stock"],
  ],
  synced: [80, 80],
  "wrong filter": true,
  ready: expect.any(Number),
  restarted: ["another", RECORDED],
  closed: true,
};

const runtimes: [name: string, run: Parameters<typeof play>[0]][] = [
  ["Bun, over a WebSocket", inProcess(process.execPath, "", "websocket")],
  ["Bun, as records", inProcess(process.execPath, "", "records")],
  ["Bun, over HTTP", inProcess(process.execPath, "", "http")],
  ["Node, which may have no WebSocket", inProcess("node", "")],
  ["Node, over its WebSocket", inProcess("node", "--experimental-websocket", "websocket")],
  ["Chromium", inBrowser],
];

describe("the client in", () => {
  test.each(runtimes)(
    "%s: refusals, iteration, sync, filters, and another life of the service",
    async (_, run) => {
      expect(await play(run)).toEqual(EXPECTED);
    },
    LIMIT_MILLIS,
  );
});

describe("the page", () => {
  test(
    "asks for a token, keeps it as long as the tab, shows what it may see, and says why it may not do the rest",
    async () => {
      const tokenFile = join(temporaryFolder(), "tokens");
      writeFileSync(tokenFile, `read reader-0123456789\n${CONTROL}`, { mode: 0o600 });
      const { url } = await startRecorded({ flags: ["--token-file", tokenFile] });
      const browser = await Browser.open(`${url}/`);
      const element = (id: string) => `document.getElementById("${id}")`;
      const enter = (token: string) =>
        browser.evaluate(`${element("token")}.value = "${token}"; ${element("token-form")}.requestSubmit()`);
      const say = (id: string) => browser.evaluate(`${element(id)}.textContent`);
      await browser.until(`!${element("token-form")}.hidden`);
      expect(await say("notice")).toStartWith("this needs a token");

      await enter("wrong-wrong-wrong-wrong");
      await browser.until(`${element("notice")}.textContent === "the token is not known here"`);
      expect(await browser.evaluate(`${element("token-form")}.hidden`)).toBe(false);

      await enter("reader-0123456789");
      await browser.until(`${element("state")}.textContent === "live"`);
      expect(await browser.evaluate(`${element("token-form")}.hidden`)).toBe(true);
      expect(await say("source")).toStartWith("REPLAY of ");
      await browser.evaluate(`${element("sync")}.click()`);
      await browser.until(`${element("notice")}.textContent.startsWith("this needs a token with the scope control")`);

      await browser.evaluate("location.reload()");
      await browser.until(`document.readyState === "complete" && ${element("state")}?.textContent === "live"`);
      expect(await browser.evaluate("location.href")).toBe(`${url}/`);
    },
    LIMIT_MILLIS,
  );
});
