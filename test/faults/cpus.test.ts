import { afterEach, expect, test } from "bun:test";
import { endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders } from "../e2e/support/nginx.ts";
import { Service } from "../e2e/support/service.ts";
import { Counter, type Subscriber } from "../e2e/support/subscriber.ts";
import { CPU, describeHotplug, offlineFor, pin, pinned, takeOffline, takeOnline } from "./support/cpus.ts";
import { expectSettled } from "./support/ledger.ts";
import { expectAllAccounted, PORT, Server, startWrk } from "./support/load.ts";

const CYCLES = 6;
const LIMIT_MILLIS = 60_000;

/** Client and server on the CPU that will go, so that every event ends there. */
async function requests(network: Network, server: Server, from: number, count: number): Promise<string[]> {
  await pin(server.process.pid);
  const paths = Array.from({ length: count }, (_, index) => `/${from + index}`);
  const urls = paths.map((path) => `http://127.0.0.1:${PORT}${path}`);
  await network.output(...pinned("curl", "--silent", ...urls));
  return paths;
}

/** Path and CPU of what a whole barrier has delivered. */
async function delivered(service: Service, subscriber: Subscriber): Promise<[string, number][]> {
  const receipt = await service.sync();
  expect(receipt).toMatchObject({ balanced: true });
  expect(receipt.missingCpus).toBeUndefined();
  await subscriber.synced(receipt.id);
  return subscriber.events.map(({ path, cpu }) => [path, cpu]);
}

const onCpu = (paths: string[]) => paths.map((path) => [path, CPU] as [string, number]);

describeHotplug("a CPU that goes offline and comes online again", () => {
  afterEach(async () => {
    takeOnline();
    await endAll();
    removeFolders();
  });

  test(
    `${CYCLES} times under load: everything that nginx served is delivered in order, or dropped under a reason`,
    async () => {
      const network = await Network.open();
      const service = await Service.start(network);
      const server = await Server.start(network);
      const counter = await Counter.start(network, service.url);
      const wrk = startWrk(network, { seconds: 50, connections: 16 });
      await service.statsWhen(({ protocols }) => (protocols.http?.delivered ?? 0) > 1000);
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        takeOffline();
        const meanwhile = await service.sync();
        expect(meanwhile.missingCpus).toBeUndefined();
        await Bun.sleep(50);
        takeOnline();
        const afterwards = await service.sync();
        expect(afterwards.missingCpus).toBeUndefined();
        expect([meanwhile.balanced, afterwards.balanced]).toEqual([true, true]);
        await Bun.sleep(200);
      }
      expect(wrk.ended).toBe(false);
      await wrk.stop("SIGINT");
      const { receipt, stats } = await expectAllAccounted(service, server, counter);
      expectSettled(stats);
      expect(receipt.balanced).toBe(true);
    },
    LIMIT_MILLIS,
  );

  test.each([1, 16, 100])(
    "with %i events in its pages and its ring when it goes, POST /sync delivers them, in order",
    async (count) => {
      const network = await Network.open();
      const service = await Service.start(network);
      const server = await Server.start(network);
      const subscriber = await service.subscribe();
      const first = await requests(network, server, 0, 1);
      expect(await delivered(service, subscriber)).toEqual(onCpu(first));

      process.kill(service.process.pid, "SIGSTOP");
      const rest = await requests(network, server, 1, count);
      takeOffline();
      process.kill(service.process.pid, "SIGCONT");
      expect(await delivered(service, subscriber)).toEqual(onCpu([...first, ...rest]));
      takeOnline();
      expectSettled(await service.stats());
    },
    LIMIT_MILLIS,
  );

  test(
    "while the reader does not run: what its pages held comes, and what is observed there afterwards as well",
    async () => {
      const network = await Network.open();
      const service = await Service.start(network);
      const server = await Server.start(network);
      const subscriber = await service.subscribe();
      process.kill(service.process.pid, "SIGSTOP");
      const before = await requests(network, server, 0, 40);
      await offlineFor();
      const stopped = await requests(network, server, 40, 20);
      process.kill(service.process.pid, "SIGCONT");
      expect(await delivered(service, subscriber)).toEqual(onCpu([...before, ...stopped]));
      const after = await requests(network, server, 60, 200);
      expect(await delivered(service, subscriber)).toEqual(onCpu([...before, ...stopped, ...after]));
      expectSettled(await service.stats());
    },
    LIMIT_MILLIS,
  );

  test(
    "when the service starts with one CPU and the second comes later, both are watched",
    async () => {
      const network = await Network.open();
      const server = await Server.start(network);
      takeOffline();
      const service = await Service.start(network);
      const subscriber = await service.subscribe();
      await network.output("curl", "--silent", `http://127.0.0.1:${PORT}/alone`);
      expect(await delivered(service, subscriber)).toEqual([["/alone", 0]]);
      takeOnline();
      const later = await requests(network, server, 0, 20);
      expect(await delivered(service, subscriber)).toEqual([["/alone", 0], ...onCpu(later)]);
      expectSettled(await service.stats());
      expect(await service.stop()).toBe(0);
      expect(service.process.stdout).toContain("http: 21 observed, 21 delivered, 0 dropped.");
    },
    LIMIT_MILLIS,
  );

  test(
    "when the service ends while it is offline, what it held is delivered first",
    async () => {
      const network = await Network.open();
      const service = await Service.start(network);
      const server = await Server.start(network);
      const subscriber = await service.subscribe();
      process.kill(service.process.pid, "SIGSTOP");
      const paths = await requests(network, server, 0, 20);
      takeOffline();
      process.kill(service.process.pid, "SIGCONT");
      expect(await service.stop()).toBe(0);
      takeOnline();
      await subscriber.closed();
      expect(subscriber.events.map(({ path }) => path)).toEqual(paths);
      expect(service.process.stdout).toContain("http: 20 observed, 20 delivered, 0 dropped.");
    },
    LIMIT_MILLIS,
  );
});
