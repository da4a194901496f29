import { afterEach, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { type Child, endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx } from "./support/nginx.ts";
import { NO_SPANS, Service } from "./support/service.ts";
import type { Subscriber } from "./support/subscriber.ts";

const PROMISED_MILLIS = 5000;
const LIMIT_MILLIS = 40_000;
const PORT = 8080;
/** Nobody listens there: each network is its own. */
const DEAD_COLLECTOR = "http://127.0.0.1:4318";
/** More than the buffers of a connection hold. */
const EVENTS = 20_000;

interface Situation {
  network: Network;
  service: Service;
  subscriber: Subscriber;
}

async function traffic({ network, service }: Situation): Promise<void> {
  const wrk = startWrk(network, 30);
  await service.statsWhen(({ protocols }) => (protocols.http?.delivered ?? 0) >= EVENTS);
  await wrk.stop("SIGKILL");
}

function startWrk(network: Network, seconds: number): Child {
  return network.start(["wrk", "-t1", "-c16", `-d${seconds}s`, `http://127.0.0.1:${PORT}/`]);
}

async function hangingCollector(network: Network): Promise<{ collector: Child; env: Record<string, string> }> {
  const collector = network.program("hanging");
  const [url] = await collector.match(/http:\S+/);
  return { collector, env: { OTEL_EXPORTER_OTLP_ENDPOINT: url } };
}

/** How each situation is made; what it returns is running when the signal comes. */
const situations: [name: string, make: (network: Network) => Promise<Situation>][] = [
  ["nothing has happened", (network) => begin(network, NO_SPANS)],
  [
    "no collector listens, and spans wait for it",
    async (network) => {
      const situation = await begin(network, { OTEL_EXPORTER_OTLP_ENDPOINT: DEAD_COLLECTOR });
      await traffic(situation);
      return situation;
    },
  ],
  [
    "the collector takes spans and never answers",
    async (network) => {
      const { collector, env } = await hangingCollector(network);
      const situation = await begin(network, env);
      await traffic(situation);
      await collector.match(/connected/);
      return situation;
    },
  ],
  [
    "a subscriber has stopped to read",
    async (network) => {
      const situation = await begin(network, NO_SPANS);
      (await situation.service.subscribe()).stall();
      const wrk = startWrk(network, 30);
      await situation.service.statsWhen(({ subscribers }) => subscribers.subscribers.some(({ queued }) => queued > 0));
      await wrk.stop("SIGKILL");
      return situation;
    },
  ],
  [
    "wrk sends at full speed, with a hanging collector and a stalled subscriber",
    async (network) => {
      const { env } = await hangingCollector(network);
      const situation = await begin(network, env);
      (await situation.service.subscribe()).stall();
      startWrk(network, 60);
      await situation.service.statsWhen(({ protocols }) => (protocols.http?.delivered ?? 0) >= EVENTS);
      return situation;
    },
  ],
];

async function begin(network: Network, env: Record<string, string>): Promise<Situation> {
  await startNginx(network, `keepalive_requests 1000000; server { listen 127.0.0.1:${PORT}; return 200 hello; }`);
  const service = await Service.start(network, { env });
  return { network, service, subscriber: await service.subscribe() };
}

describeKernel("the service ends in order within 5 s", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test.each(situations)(
      `by ${signal}, when %s`,
      async (_name, make) => {
        const { network, service, subscriber } = await make(await Network.open());
        const began = performance.now();
        const exitCode = await service.stop(signal);
        expect(performance.now() - began).toBeLessThan(PROMISED_MILLIS);
        expect(exitCode).toBe(0);
        expect(await subscriber.closed()).toMatchObject({ code: 1001 });
        expect(network.packetSockets()).toBe(0);
        expect(service.process.stdout).toContain(`${signal}: detaching, then handing over what was captured\n`);
        expect(service.process.stdout).toMatch(/http: \d+ observed, \d+ delivered, \d+ dropped\.\n$/);
        expect(service.process.stderr).not.toMatch(/^ +at |Error:/m);
      },
      LIMIT_MILLIS,
    );
  }

  test(
    "what was captured before the signal reaches the subscriber before it is closed",
    async () => {
      const situation = await begin(await Network.open(), NO_SPANS);
      const { network, service, subscriber } = situation;
      await network.output(
        "curl",
        "--silent",
        ...Array.from({ length: 500 }, (_, i) => `http://127.0.0.1:${PORT}/${i}`),
      );
      expect(await service.stop("SIGTERM")).toBe(0);
      expect(await subscriber.closed()).toMatchObject({ code: 1001 });
      expect(subscriber.eventsByStart.map(({ path }) => path)).toEqual(Array.from({ length: 500 }, (_, i) => `/${i}`));
    },
    LIMIT_MILLIS,
  );

  test(
    "a second SIGINT ends it at once, with 130",
    async () => {
      const network = await Network.open();
      const { env } = await hangingCollector(network);
      const situation = await begin(network, env);
      await traffic(situation);
      const { process } = situation.service;
      const ended = process.stop("SIGINT");
      await process.match(/SIGINT: detaching/);
      process.stop("SIGINT");
      expect(await ended).toBe(130);
      expect(network.packetSockets()).toBe(0);
    },
    LIMIT_MILLIS,
  );
});
