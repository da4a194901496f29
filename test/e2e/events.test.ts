import { afterEach, expect, test } from "bun:test";
import { Browser } from "./support/browser.ts";
import { Child, endAll } from "./support/child.ts";
import { removeFolders } from "./support/nginx.ts";
import { startRecorded } from "./support/recorded.ts";

/** `GET /events` by those it is for: curl and a browser's EventSource, which resumes by itself. */

const LIMIT_MILLIS = 60_000;
const EVENTS = 80;
const ALL = Array.from({ length: EVENTS }, (_, index) => index + 1);

afterEach(async () => {
  await endAll();
  removeFolders();
}, LIMIT_MILLIS);

test("curl prints a line for each event", async () => {
  const { process, url } = await startRecorded();
  const curl = new Child(["curl", "--silent", "--no-buffer", `${url}/events?since=0&status=5xx`]);
  await curl.until(() => curl.stdout.split("\n").length > 7);
  await process.stop();
  expect(await curl.exited).toBe(0);
  const lines = curl.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ type, status }) => type ?? Math.floor(status / 100))).toEqual(["hello", 5, 5, 5, 5, 5, 5, "end"]);
});

test(
  "a browser's EventSource goes on behind what it has seen, in this life of the service and in the next",
  async () => {
    const { process, url } = await startRecorded();
    const browser = await Browser.open(`${url}/`);
    await browser.evaluate(`
      window.seen = []; window.hellos = 0;
      window.source = new EventSource("/events?since=70");
      source.onmessage = ({ data, lastEventId }) => seen.push([JSON.parse(data).seq, Number.parseInt(lastEventId)]);
      source.addEventListener("hello", () => hellos++);
      undefined`);
    await browser.until("seen.length === 10");
    expect(await browser.evaluate("seen.every(([seq, id]) => seq === id) && seen[0][0] === 71")).toBe(true);
    await process.stop("SIGKILL");
    await startRecorded({ flags: [`--port=${new URL(url).port}`] });
    await browser.until("hellos === 2 && seen.length === 90");
    expect(await browser.evaluate("seen.slice(10).map(([seq]) => seq)")).toEqual(ALL);
    await browser.evaluate("source.close()");
  },
  LIMIT_MILLIS,
);
