import { afterEach, expect, test } from "bun:test";
import type { ObservedEvent, TcpEvent } from "../../ffi/event.ts";
import { endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders } from "../e2e/support/nginx.ts";
import { Service } from "../e2e/support/service.ts";
import type { Subscriber } from "../e2e/support/subscriber.ts";
import { Counter } from "../e2e/support/subscriber.ts";
import { describeKernel } from "../kernel.ts";
import { expectBalanced, expectSettled } from "./support/ledger.ts";
import { PORT, Server, startWrk } from "./support/load.ts";
import { program } from "./support/own.ts";
import { Talk } from "./support/talk.ts";

const LIMIT_MILLIS = 40_000;
/** Connections of all networks are reported, so ours have an address that nobody else's have. */
const HOST = "127.83.17.5";

async function setEnabled(service: Service, protocol: string, enabled: boolean): Promise<void> {
  const answer = await service.network.output(
    "curl",
    "--silent",
    "-X",
    "PUT",
    ...["--header", "Content-Type: application/json", "--data", JSON.stringify({ enabled })],
    `${service.url}/protocols/${protocol}`,
  );
  expect(JSON.parse(answer)).toEqual({ protocol, enabled });
}

async function seen(service: Service, subscriber: Subscriber): Promise<ObservedEvent[]> {
  const { id } = await service.sync();
  await subscriber.synced(id);
  return subscriber.events;
}

async function seenPaths(service: Service, subscriber: Subscriber): Promise<string[]> {
  const events = await seen(service, subscriber);
  // Two connections may be met on two CPUs, and only within one the order is that of the ends.
  const byStart = events.sort((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1));
  return byStart.flatMap((event) =>
    event.protocol === "http" ? [`${event.path} ${event.status} ${event.outcome}`] : [],
  );
}

async function seenTcp(service: Service, subscriber: Subscriber, port: number): Promise<TcpEvent[]> {
  const events = await seen(service, subscriber);
  return events.flatMap((event) =>
    event.protocol === "tcp" &&
    [event.local.port, event.remote.port].includes(port) &&
    [event.local.address, event.remote.address].includes(HOST)
      ? [event]
      : [],
  );
}

describeKernel("a protocol that is paused", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  async function watched(...flags: string[]) {
    const network = await Network.open();
    const service = await Service.start(network, { flags });
    const subscriber = await service.subscribe();
    return { network, service, subscriber };
  }

  test(
    "is not observed meanwhile, on new connections and on kept ones; resumed, each event is of its own request",
    async () => {
      const { network, service, subscriber } = await watched();
      const kept = await Talk.open(network);
      await kept.exchange("/1");
      await setEnabled(service, "http", false);
      expect((await service.stats()).enabled).toEqual([]);
      await kept.exchange("/kept-while-paused");
      const fresh = await Talk.open(network);
      await fresh.exchange("/fresh-while-paused");
      expect(await seenPaths(service, subscriber)).toEqual(["/1 200 complete"]);
      const paused = await service.stats();
      expectSettled(paused);
      expect(paused.protocols.http).toMatchObject({ observed: 1, delivered: 1, dropped: {} });
      await setEnabled(service, "http", true);
      await kept.exchange("/22");
      await fresh.exchange("/333");
      await kept.exchange("/4444");
      expect(await seenPaths(service, subscriber)).toEqual([
        "/1 200 complete",
        "/22 200 complete",
        "/333 200 complete",
        "/4444 200 complete",
      ]);
      expectSettled(await service.stats());
    },
    LIMIT_MILLIS,
  );

  test(
    "forgets what was under way: a request before and its response after it make no event, nor do they spoil the next",
    async () => {
      const { network, service, subscriber } = await watched();
      const across = await Talk.open(network);
      const within = await Talk.open(network);
      const halves = await Talk.open(network);
      await across.play(Talk.request("/across"));
      await halves.play(["client", "GET /halves HTTP/1.1\r\nHo"]);
      await setEnabled(service, "http", false);
      await within.play(Talk.request("/within"));
      await halves.play(["client", "st: talk\r\n\r\n"]);
      await setEnabled(service, "http", true);
      await across.play(Talk.response("/across"));
      await within.play(Talk.response("/within"));
      await halves.play(Talk.response("/halves"));
      expect(await seenPaths(service, subscriber)).toEqual([]);
      for (const [index, talk] of [across, within, halves].entries()) await talk.exchange(`/next${index}`);
      expect(await seenPaths(service, subscriber)).toEqual([
        "/next0 200 complete",
        "/next1 200 complete",
        "/next2 200 complete",
      ]);
      expectSettled(await service.stats());
    },
    LIMIT_MILLIS,
  );

  test(
    "gives up nothing as timed out of which it did not see the end",
    async () => {
      const { network, service, subscriber } = await watched("--idle-timeout-seconds=1");
      const talk = await Talk.open(network);
      await talk.play(Talk.request("/answered-while-paused"));
      await setEnabled(service, "http", false);
      await talk.play(Talk.response("/answered-while-paused"));
      // The time-out, and an eighth of it until somebody looks.
      await Bun.sleep(1500);
      expect(await seenPaths(service, subscriber)).toEqual([]);
      expectSettled(await service.stats());
    },
    LIMIT_MILLIS,
  );

  test(
    "again and again under load: the ledger balances at every step, and what is not paused is all delivered",
    async () => {
      const network = await Network.open();
      const service = await Service.start(network);
      const server = await Server.start(network);
      const counter = await Counter.start(network, service.url);
      const wrk = startWrk(network, { seconds: 60, connections: 16 });
      for (let time = 0; time < 10; time++) {
        await setEnabled(service, "http", false);
        expect((await service.sync()).balanced).toBe(true);
        const paused = await service.stats();
        expectSettled(paused);
        await server.requests();
        expect((await service.stats()).protocols.http).toEqual(paused.protocols.http);
        await setEnabled(service, "http", true);
        const resumed = await service.statsWhen(
          ({ protocols }) => (protocols.http?.delivered ?? 0) > (paused.protocols.http?.delivered ?? 0) + 500,
        );
        expectBalanced(resumed);
      }
      await wrk.stop();
      const receipt = await service.sync();
      const { ports, gaps, disorder } = await counter.report(receipt.id);
      const { events = 0, outcomes = {} } = ports[PORT] ?? {};
      expect({ gaps, disorder }).toEqual({ gaps: [], disorder: 0 });
      expect(Object.keys(outcomes).filter((outcome) => outcome === "superseded" || outcome === "timeout")).toEqual([]);
      expect(receipt.protocols.http).toMatchObject({ dropped: {} });
      expect(receipt.protocols.http?.delivered).toBeGreaterThanOrEqual(events);
      expectSettled(await service.stats());
    },
    LIMIT_MILLIS,
  );

  test(
    "is no other one: while http pauses tcp goes on, and each counts for itself",
    async () => {
      const { network, service, subscriber } = await watched("--protocols=http,tcp");
      await setEnabled(service, "http", false);
      const talk = await Talk.open(network, HOST);
      await talk.exchange("/unseen");
      await talk.play(["client", { do: "end" }], ["server", { do: "end" }]);
      expect(await seenTcp(service, subscriber, talk.serverPort)).toHaveLength(2);
      expect(await seenPaths(service, subscriber)).toEqual([]);
      const stats = await service.stats();
      expect(stats.enabled).toEqual(["tcp"]);
      expectBalanced(stats);
      expect(stats.protocols.http?.observed).toBe(0);
    },
    LIMIT_MILLIS,
  );

  test(
    "(tcp) leaves nothing behind: sockets that the kernel uses again are not taken for those that closed meanwhile",
    async () => {
      const { network, service, subscriber } = await watched("--protocols=tcp");
      const lines: string[] = [];
      const connections = program(network, "connections", [HOST], (line) => lines.push(line));
      const say = async (line: string) => {
        const before = lines.length;
        connections.say(line);
        await connections.until(() => lines.length > before);
      };
      await connections.until(() => lines.length > 0);
      const port = Number(lines[0]);
      await say("open 200");
      await setEnabled(service, "tcp", false);
      await say("close");
      const resumedNanos = BigInt(Date.now()) * 1_000_000n;
      await setEnabled(service, "tcp", true);
      await say("open 200");
      await say("close");
      const events = await seenTcp(service, subscriber, port);
      const wrong = events.filter(
        ({ role, local, startTimeUnixNano }) =>
          (role === "server") !== (local.port === port) || BigInt(startTimeUnixNano) < resumedNanos,
      );
      expect({ count: events.length, wrong: wrong.length, first: wrong.slice(0, 2) }).toEqual({
        count: 400,
        wrong: 0,
        first: [],
      });
    },
    LIMIT_MILLIS,
  );
});
