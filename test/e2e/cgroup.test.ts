import { afterEach, expect, test } from "bun:test";
import type { Endpoint, HttpEvent } from "../../ffi/event.ts";
import { describeKernel } from "../kernel.ts";
import { cgroupRoot, enterOwnCgroup } from "./support/attach.ts";
import { Child, endAll, run } from "./support/child.ts";
import { exchange, expectExactly, startSite } from "./support/exchange.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx } from "./support/nginx.ts";
import { CLI, NO_SPANS, Service } from "./support/service.ts";
import { joinByRoute } from "./support/topology.ts";
import { Watch } from "./support/watch.ts";

/**
 * What is special about watching at the sockets of a cgroup. That it sees what packet sockets see is shown by the conversations,
 * and by all other tests of this folder with KERNELCAST_TEST_ATTACH=cgroup.
 */

const LIMIT_MILLIS = 40_000;
const SERVE = [process.execPath, CLI, "serve", "--port=0"];

/** The command, where no socket of it is watched. */
const outside = (network: Network, ...argv: string[]) =>
  new Child(network.inside(["sh", "-c", `echo $$ > ${cgroupRoot()}/cgroup.procs && exec "$@"`, "sh", ...argv]));

const text = ({ address, port }: Endpoint) => `${address}:${port}`;

async function wired(): Promise<[Network, Network]> {
  const [one, other] = (await Promise.all([Network.open(), Network.open()])) as [Network, Network];
  await one.link("wire0", other);
  await one.address("wire0", "10.1.0.1/24");
  await other.address("wire0", "10.1.0.2/24");
  return [one, other];
}

describeKernel("at the sockets of a cgroup", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  test(
    "the traffic of every network namespace is seen once, and the service says how it watches",
    async () => {
      const cgroup = enterOwnCgroup();
      const [host, other] = await wired();
      await Promise.all([host, other].map((network) => startSite(network, "80")));
      const watch = await Watch.start(await Network.open(), "--attach=cgroup", `--cgroup=${cgroup}`);
      expect(watch.service.process.stdout).toStartWith(
        `Kernelcast 0.1.0 watches the HTTP traffic of the sockets of ${cgroup}.`,
      );
      const source = { kind: "kernel", attach: "cgroup", cgroup };
      expect(JSON.parse(await watch.service.get("/readyz"))).toEqual({ status: "ok", source });
      expect(watch.subscriber.frames[0]).toMatchObject({ type: "hello", source });
      const exchanges = await Promise.all([
        exchange(host, "http://127.0.0.1"),
        exchange(other, "http://127.0.0.1"),
        exchange(host, "http://10.1.0.2"),
        exchange(other, "http://10.1.0.1"),
      ]);
      expectExactly(await watch.events(), exchanges.flat());
      await watch.expectNothingMissed();
    },
    LIMIT_MILLIS,
  );

  test(
    "connections with the same addresses and ports in three namespaces at once, one of them the service's, are three",
    async () => {
      const cgroup = enterOwnCgroup();
      const networks = (await Promise.all([1, 2, 3].map(() => Network.open()))) as [Network, ...Network[]];
      await Promise.all(networks.map((network) => startSite(network, "80")));
      const watch = await Watch.start(networks[0], "--attach=cgroup", `--cgroup=${cgroup}`);
      const same = "--silent --output /dev/null --limit-rate 400k --local-port 40000".split(" ");
      await Promise.all(
        networks.map((network, index) => network.output("curl", ...same, `http://127.0.0.1/large/${index}`)),
      );
      const seen = (await watch.events()).map(({ path, outcome, client, responseBodyBytes }) => [
        path,
        outcome,
        client.port,
        responseBodyBytes,
      ]);
      expect(seen.sort()).toEqual([0, 1, 2].map((index) => [`/large/${index}`, "complete", 40_000, 300_000]));
      await watch.expectNothingMissed();
    },
    LIMIT_MILLIS,
  );

  test(
    "what a process sends while packets arrive on its CPU is seen: all that nginx answers a remote client at full speed",
    async () => {
      const cgroup = enterOwnCgroup();
      const [host, remote] = await wired();
      // Packets come by an interrupt on either CPU, as from a real device, and not on that of who sends them.
      const steer = "mount -t sysfs none /sys && echo 3 > /sys/class/net/wire0/queues/rx-0/rps_cpus";
      await Promise.all([host, remote].map((network) => network.output("unshare", "--mount", "sh", "-c", steer)));
      const service = await Service.start(host, { flags: ["--attach=cgroup", `--cgroup=${cgroup}`] });
      await startNginx(
        host,
        `keepalive_requests 1000000;
        server { listen 10.1.0.1:80; return 200 hello; }
        server { listen 127.0.0.1:81; location / { stub_status; } }`,
      );
      await outside(remote, "wrk", "--threads=1", "--connections=32", "--duration=3s", "http://10.1.0.1/").outcome();
      // It counts the question, too.
      const answered = Number((await host.output("curl", "--silent", "http://127.0.0.1:81/")).match(/ (\d+) \nR/)?.[1]);
      expect(answered).toBeGreaterThan(1000);
      await service.sync();
      const { protocols, following, balanced } = await service.stats();
      expect({ observed: protocols.http?.observed, dropped: protocols.http?.dropped, balanced }).toEqual({
        observed: answered,
        dropped: {},
        balanced: true,
      });
      expect(following.http).toMatchObject({ gaps: 0, unread: 0, refused: {} });
    },
    LIMIT_MILLIS,
  );

  test(
    "a hundred requests that a process sends at once to another host, the first of all, are a hundred",
    async () => {
      const [host, remote] = await wired();
      await startNginx(remote, "server { listen 80; return 204; }");
      const cgroup = enterOwnCgroup();
      const watch = await Watch.start(host, "--attach=cgroup", `--cgroup=${cgroup}`);
      const request = String.raw`GET /%d HTTP/1.1\r\nHost: h\r\n`;
      const ask = String.raw`exec 3<>/dev/tcp/10.1.0.2/80; printf '${request}\r\n' $(seq 99) >&3; printf '${request}Connection: close\r\n\r\n' 100 >&3; cat <&3`;
      await host.output("bash", "-c", ask);
      // Those of one segment began at once, and events of two CPUs come in any order.
      const number = ({ path }: HttpEvent) => Number(path?.slice(1));
      const events = (await watch.events()).sort((a, b) => number(a) - number(b));
      const seen = events.map(({ path, status, outcome }) => `${path} ${status} ${outcome}`);
      expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => `/${index + 1} 204 complete`));
      await watch.expectNothingMissed();
    },
    LIMIT_MILLIS,
  );

  test(
    "what the host only forwards is not seen, nor what the sockets of other cgroups say",
    async () => {
      const cgroup = enterOwnCgroup();
      const [host, client, server] = (await Promise.all([1, 2, 3].map(() => Network.open()))) as [
        Network,
        Network,
        Network,
      ];
      await joinByRoute(host, client, server);
      const listening = outside(server, "python3", "-u", "-m", "http.server", "80");
      await listening.match(/Serving HTTP/);
      const watch = await Watch.start(host, "--attach=cgroup", `--cgroup=${cgroup}`);
      expect((await outside(client, "curl", "--fail", "--silent", "http://10.1.2.2/").outcome()).exitCode).toBe(0);
      expect(await watch.events()).toEqual([]);
      await host.output("curl", "--silent", "http://10.1.2.2/asked-from-here");
      expect((await watch.events()).map(({ path }) => path)).toEqual(["/asked-from-here"]);
    },
    LIMIT_MILLIS,
  );

  test(
    "two services watch side by side; when one is killed nothing of it stays, and the other still sees",
    async () => {
      const flags = ["--attach=cgroup", `--cgroup=${enterOwnCgroup()}`];
      const network = await Network.open();
      await startSite(network, "80");
      const first = await Service.start(network, { flags });
      const watch = await Watch.start(network, ...flags);
      const links = first.ids().link;
      expect(links.length).toBeGreaterThan(2);
      await first.stop("SIGKILL");
      for (const id of links) expect((await run(["bpftool", "link", "show", "id", String(id)])).exitCode).not.toBe(0);
      const transactions = await exchange(network, "http://127.0.0.1");
      expectExactly(await watch.events(), transactions);
    },
    LIMIT_MILLIS,
  );

  test.each([
    ["where it is mounted", "true"],
    ["where it is not mounted", "umount -a -t cgroup2"],
  ])(
    "without a name it is the root, %s, and over lo a request is seen once, with who answers it behind a NAT",
    async (_name, prepare) => {
      const network = await Network.open();
      for (const address of ["10.77.0.1/32", "10.77.0.2/32"]) await network.address("lo", address);
      await network.output(
        "nft",
        "table ip nat {\n chain output {\n type nat hook output priority -100\n ip daddr 10.77.0.2 tcp dport 80 redirect to :80\n }\n }",
      );
      await startSite(network, "80");
      const service = await Service.start(network, {
        flags: ["--attach=cgroup"],
        command: ["unshare", "--mount", "sh", "-c", `${prepare} && exec "$@"`, "sh"],
      });
      expect(service.process.stdout).toStartWith(
        "Kernelcast 0.1.0 watches the HTTP traffic of all sockets of this host.",
      );
      const source = { kind: "kernel", attach: "cgroup" };
      expect(JSON.parse(await service.get("/readyz"))).toEqual({ status: "ok", source });
      // Of all that happens on the host.
      const subscriber = await service.subscribe("?server=10.77.0.0/24");
      const [straight, redirected] = [
        await exchange(network, "http://10.77.0.1"),
        await exchange(network, "http://10.77.0.2"),
      ];
      await subscriber.synced((await service.sync()).id);
      expectExactly(subscriber.events, [...straight, ...redirected]);
      const answered = Map.groupBy(subscriber.events, ({ answeredBy }) => answeredBy && text(answeredBy));
      expect([...answered].map(([by, events]) => [by, events.length])).toEqual([
        [undefined, straight.length],
        ["127.0.0.1:80", redirected.length],
      ]);
      expect(await service.stop()).toBe(0);
    },
    LIMIT_MILLIS,
  );

  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const only = (names: string) => ["inh-caps", "ambient-caps", "bounding-set"].map((set) => `--${set}=-all,${names}`);

  test(
    "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN are all it needs",
    async () => {
      const network = await Network.open();
      const argv = [...nobody, ...only("+bpf,+perfmon,+net_admin"), "--", ...SERVE, "--attach=cgroup"];
      const service = network.start(argv, NO_SPANS);
      const [, url = ""] = await service.match(/page +(http:\/\/\S+:\d+)\/\n/);
      expect(JSON.parse(await network.output("curl", "--silent", "-X", "POST", `${url}/sync`)).balanced).toBe(true);
      expect(await service.stop("SIGTERM")).toBe(0);
    },
    LIMIT_MILLIS,
  );

  test.each([
    [
      "no CAP_NET_ADMIN",
      [...nobody, ...only("+bpf,+perfmon,+net_raw"), "--", ...SERVE, "--attach=cgroup"],
      /^kernelcast: cannot attach to the cgroup: CAP_NET_ADMIN is missing.*\nCAP_NET_ADMIN: missing; it attaches/,
    ],
    [
      "a root that a cgroup namespace hides",
      [
        "unshare",
        "--cgroup",
        "--mount",
        "sh",
        "-c",
        'umount -a -t cgroup2 && exec "$@"',
        "sh",
        ...SERVE,
        "--attach=cgroup",
      ],
      /^kernelcast: cannot attach to the root cgroup: a cgroup namespace hides it/,
    ],
    [
      "no such cgroup",
      [...SERVE, "--cgroup=/tmp"],
      /^kernelcast: cannot attach to the cgroup: there is no such directory of cgroup v2/,
    ],
    ["a cgroup and packet sockets", [...SERVE, "--attach=socket", "--cgroup=/tmp"], /^kernelcast: cgroup: .*--attach/],
  ])(
    "%s is refused with the reason",
    async (_name, argv, message) => {
      enterOwnCgroup();
      const { stdout, stderr, exitCode } = await (await Network.open()).start(argv, NO_SPANS).outcome();
      expect([stdout, exitCode]).toEqual(["", 2]);
      expect(stderr).toMatch(message);
    },
    LIMIT_MILLIS,
  );
});
