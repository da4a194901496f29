import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders } from "../e2e/support/nginx.ts";
import { describeKernel } from "../kernel.ts";
import { browse } from "./clients/chromium.ts";
import { startNginxServer } from "./servers/nginx.ts";
import { filesToServe, originOf, type Server } from "./servers/server.ts";
import { AccessLog } from "./support/access-log.ts";
import { ALIKE, compare } from "./support/comparison.ts";
import { sound, Watch } from "./support/watch.ts";

const LIMIT_MILLIS = 60_000;
const PAGE = join(import.meta.dir, "page");

/** What the script fetches; nginx asks Node for two of them. */
const FETCHED = 4 + 2;
/** The page, its script, its style with a background, and three drawings. */
const PARTS = 7;

/** With the number of requests that it takes, at least: of what pages have in common a browser may fetch less. */
const LOADS: [name: string, query: string, requests: number][] = [
  ["a page", "", PARTS + FETCHED],
  ["a page with eight pages in it", "?frames=8", PARTS + 8 + 9 * FETCHED],
  [
    "a page that fetches 3000 things over 120 connections, and asks before each tenth",
    "?fetches=3000&hosts=20",
    PARTS + FETCHED + 3300,
  ],
];

describeKernel("a browser, held against nginx's access log", () => {
  let network: Network;
  let server: Server;
  let watch: Watch;
  let seen = 0;

  beforeAll(async () => {
    network = await Network.open();
    const folder = filesToServe();
    for (const name of readdirSync(PAGE)) copyFileSync(join(PAGE, name), join(folder, name));
    const log = new AccessLog();
    server = await startNginxServer(network, log, folder);
    watch = await Watch.open(network, log);
  }, LIMIT_MILLIS);
  afterAll(async () => {
    await endAll();
    removeFolders();
  }, LIMIT_MILLIS);

  test.each(LOADS)(
    "%s",
    async (_name, query, requests) => {
      await browse(network, `${originOf(server)}/files/index.html${query}`);
      const { events, logged } = await watch.take(requests);
      seen += events.length;
      expect(compare(events, logged)).toEqual(ALIKE);
      expect(events.length).toBeGreaterThanOrEqual(requests);
    },
    LIMIT_MILLIS,
  );

  test("in the end the ledger balances, all that was seen came in sequence, and nothing more was logged", async () => {
    expect(await watch.take(0)).toEqual({ events: [], logged: [] });
    expect(await watch.soundness()).toEqual(sound(seen));
  });
});
