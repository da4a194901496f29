import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders } from "../e2e/support/nginx.ts";
import { describeKernel } from "../kernel.ts";
import { ab } from "./clients/ab.ts";
import type { Client, Load } from "./clients/client.ts";
import { curl, curlMany } from "./clients/curl.ts";
import { h2load } from "./clients/h2load.ts";
import { wrk } from "./clients/wrk.ts";
import { EXCHANGES, type Exchange } from "./exchanges.ts";
import { startApache } from "./servers/apache.ts";
import { startHaproxy } from "./servers/haproxy.ts";
import { startNginxServer } from "./servers/nginx.ts";
import { startBun, startNode, startPython } from "./servers/programs.ts";
import { EVENTS_PAUSES_MILLIS, filesToServe, originOf, type Server, type StartServer } from "./servers/server.ts";
import { AccessLog } from "./support/access-log.ts";
import { ALIKE, compare } from "./support/comparison.ts";
import { sound, Watch } from "./support/watch.ts";

const LIMIT_MILLIS = 120_000;

/** `rate`: how much of the highest load is enough to keep it busy for a second. */
const SERVERS: { name: string; start: StartServer; servesFiles?: true; rate?: number }[] = [
  { name: "nginx", start: startNginxServer, servesFiles: true },
  { name: "Apache", start: startApache, servesFiles: true },
  { name: "haproxy in front of nginx", start: startHaproxy, servesFiles: true },
  { name: "Node", start: startNode },
  { name: "Bun", start: startBun },
  { name: "Python's http.server", start: startPython, rate: 0.25 },
];

const CLIENTS: [name: string, client: Client][] = [
  ["curl", curlMany],
  ["wrk", wrk(1)],
  ["wrk, four requests in a packet", wrk(4)],
  ["ab", ab()],
  ["ab -k", ab("-k")],
  ["h2load", h2load(1)],
  ["h2load, eight requests under way on a connection", h2load(8)],
];

const LOADS: Load[] = [
  { name: "one by one", connections: 1, requests: 200 },
  { name: "some at a time", connections: 8, requests: 2000 },
  { name: "as fast as it goes", connections: 64, requests: 20_000 },
];

describeKernel("real servers, held against their access logs", () => {
  describe.each(SERVERS)("$name", ({ start, servesFiles = false, rate = 1 }) => {
    let network: Network;
    let folder: string;
    let server: Server;
    let watch: Watch;
    let seen = 0;

    beforeAll(async () => {
      network = await Network.open();
      folder = filesToServe();
      const log = new AccessLog();
      server = await start(network, log, folder);
      watch = await Watch.open(network, log);
    }, LIMIT_MILLIS);
    afterAll(async () => {
      await endAll();
      removeFolders();
    }, LIMIT_MILLIS);

    const exchanges = EXCHANGES.filter(({ fileServersOnly }) => servesFiles || !fileServersOnly);
    test.each(exchanges)(
      "curl: $name",
      async ({ sections, parallel, statuses, correct = (account) => account }: Exchange) => {
        const account = await curl(network, sections(originOf(server), folder), parallel);
        const { events, logged } = await watch.take(account.length * server.hops);
        seen += events.length;
        expect(compare(events, logged)).toEqual(ALIKE);
        expect(account.map(({ status }) => status)).toEqual(statuses);
        const front = events.filter((event) => event.server.port === server.port);
        expect(compare(front, account.map(correct))).toEqual(ALIKE);
      },
      LIMIT_MILLIS,
    );

    test(
      "a stream of events lasts as long as its pauses",
      async () => {
        await curl(network, [{ urls: [`${originOf(server)}/app/events/1`] }]);
        const { events, logged } = await watch.take(1);
        seen += events.length;
        expect(compare(events, logged)).toEqual(ALIKE);
        for (const { durationNano } of events) expect(durationNano).toBeGreaterThan(EVENTS_PAUSES_MILLIS * 0.9e6);
      },
      LIMIT_MILLIS,
    );

    test(
      "a download that the client gives up ends with the reset of its connection",
      async () => {
        const url = `${originOf(server)}/files/100m.bin`;
        const child = network.start(["curl", "--silent", "--max-filesize", "1000", "--output", "/dev/null", url]);
        expect(await child.exited).toBe(63);
        const { events, logged } = await watch.take(server.hops);
        seen += events.length;
        // A server counts what it sent, not what came.
        const identities = logged.map(({ responseBodyBytes, responseBytes, ...identity }) => identity);
        expect(compare(events, identities, "reset")).toEqual(ALIKE);
      },
      LIMIT_MILLIS,
    );

    const loads = CLIENTS.flatMap(([client, send]) => LOADS.map((load) => ({ client, send, load, pace: load.name })));
    test.each(loads)(
      "$client, $pace: each request is one event, and each event one request",
      async ({ send, load }) => {
        const requests = load.requests >= 10_000 ? load.requests * rate : load.requests;
        const account = await send(network, originOf(server), { ...load, requests });
        const { events, logged } = await watch.take(requests * server.hops);
        seen += events.length;
        expect(compare(events, logged)).toEqual(ALIKE);
        expect(events.length).toBe(requests * server.hops);
        const front = events.filter((event) => event.server.port === server.port);
        if (account) expect(compare(front, account)).toEqual(ALIKE);
      },
      LIMIT_MILLIS,
    );

    test(
      "in the end the ledger balances, all that was seen came in sequence, and nothing more was logged",
      async () => {
        expect(await watch.take(0)).toEqual({ events: [], logged: [] });
        expect(await watch.soundness()).toEqual(sound(seen));
      },
      LIMIT_MILLIS,
    );
  });
});
