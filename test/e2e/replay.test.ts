import { afterEach, describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { HttpEvent } from "../../ffi/event.ts";
import type { Receipt } from "../../server/schema.ts";
import { exchange, pcap } from "../ffi/support/capture-file.ts";
import { describeKernel } from "../kernel.ts";
import { ATTACH } from "./support/attach.ts";
import { Child, endAll } from "./support/child.ts";
import { type CurlRequest, curlAll } from "./support/curl.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx, temporaryFolder } from "./support/nginx.ts";
import type { SlowReport } from "./support/programs/slow-subscriber.ts";
import { Collector } from "./support/receiver.ts";
import { CLI, NO_SPANS, Service } from "./support/service.ts";

const LIMIT_MILLIS = 30_000;
const KERNELCAST = [process.execPath, CLI];
const DEMO = new URL("../../server/demo.pcap", import.meta.url).pathname;
const DEMO_TRANSACTIONS = 80;
const LAST = "/the-last-of-all";

afterEach(async () => {
  await endAll();
  removeFolders();
}, LIMIT_MILLIS);

/** Without any privilege, also where the tests have it. */
function unprivileged(...argv: string[]): string[] {
  if (process.getuid?.() !== 0) return argv;
  return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--", ...argv];
}

const kernelcast = (argv: string[], env: Record<string, string> = NO_SPANS) =>
  new Child(unprivileged(...KERNELCAST, ...argv), env);

async function served(argv: string[], env?: Record<string, string>): Promise<{ process: Child; url: string }> {
  const process = kernelcast([...argv, "--port=0"], env);
  const [, url = ""] = await process.match(/page +(http:\/\/\S+:\d+)\/\n/);
  return { process, url };
}

const getJson = async (url: string) => (await fetch(url)).json();
const sync = async (url: string): Promise<Receipt> =>
  (await (await fetch(`${url}/sync`, { method: "POST" })).json()) as Receipt;

type Frame =
  | { type: "hello"; source: { kind: string; notice?: string } }
  | { type: "batch"; events: HttpEvent[] }
  | { type: "sync" | "gap"; id?: number };

/** Subscribes, and waits for what is wanted. */
function subscribe(url: string) {
  const frames: Frame[] = [];
  let look = () => {};
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws`);
  socket.onmessage = ({ data }) => {
    frames.push(JSON.parse(String(data)));
    look();
  };
  const until = (wanted: () => boolean) =>
    new Promise<void>((resolve) => {
      look = () => {
        if (wanted()) resolve();
      };
      look();
    });
  const events = () => frames.flatMap((frame) => (frame.type === "batch" ? frame.events : []));
  return { frames, events, until, close: () => socket.close() };
}

/** The page once its socket has said hello. */
async function shownInBrowser(url: string): Promise<string> {
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"];
  for (;;) {
    const { stdout } = await new Child(["chromium", ...flags, `--user-data-dir=${temporaryFolder()}`, url]).outcome();
    if (stdout.includes('data-state="live"')) return stdout;
  }
}

const eventsOf = (stdout: string) =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as HttpEvent);

describe("kernelcast replay FILE --json", () => {
  test("prints what the file holds and ends, without any privilege", async () => {
    const { stdout, stderr, exitCode } = await kernelcast(["replay", DEMO, "--json"]).outcome();
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(
      new RegExp(
        `^kernelcast: ${DEMO}: ${DEMO_TRANSACTIONS} transactions from \\d+ packets in [\\d.]+ s, from \\S+Z\\.\n$`,
      ),
    );
    const events = eventsOf(stdout);
    expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: DEMO_TRANSACTIONS }, (_, index) => index + 1));
    const kinds = new Set(events.map(({ method, status }) => `${method} ${status}`));
    for (const kind of [
      "GET 200",
      "POST 201",
      "DELETE 204",
      "GET 301",
      "GET 403",
      "GET 404",
      "GET 500",
      "POST 502",
      "GET 0",
    ])
      expect(kinds).toContain(kind);
  });

  test("reads a pipe", async () => {
    const line = `cat ${DEMO} | ${KERNELCAST.join(" ")} replay - --json`;
    const { stdout, stderr, exitCode } = await new Child(["sh", "-c", line], NO_SPANS).outcome();
    expect([exitCode, eventsOf(stdout).length]).toEqual([0, DEMO_TRANSACTIONS]);
    expect(stderr).toStartWith(`kernelcast: standard input: ${DEMO_TRANSACTIONS} transactions`);
  });

  test("ends quietly with its reader", async () => {
    const line = `{ ${KERNELCAST.join(" ")} replay ${DEMO} --json; echo "ended with $?" >&2; } | head -1`;
    const { stdout, stderr } = await new Child(["sh", "-c", line], NO_SPANS).outcome();
    expect(eventsOf(stdout)).toHaveLength(1);
    expect(stderr).toMatch(/ended with 0\n$/);
  });

  test("warns of a file that is cut, and fails for one that is damaged", async () => {
    const folder = temporaryFolder();
    const bytes = readFileSync(DEMO);
    const cut = join(folder, "cut.pcap");
    const damaged = join(folder, "damaged.pcap");
    await Bun.write(cut, bytes.subarray(0, bytes.length - 1));
    await Bun.write(damaged, Buffer.concat([bytes, Buffer.alloc(16, 0xff)]));
    await Bun.$`chmod -R a+rX ${folder}`;
    const { stderr, exitCode } = await kernelcast(["replay", cut, "--json"]).outcome();
    expect([exitCode, stderr.split("\n")[0]]).toEqual([
      0,
      expect.stringMatching(/ends in the middle of a packet that begins at byte \d+; what came before was replayed$/),
    ]);
    const second = await kernelcast(["replay", damaged, "--json"]).outcome();
    expect([second.exitCode, eventsOf(second.stdout).length]).toEqual([1, DEMO_TRANSACTIONS]);
    expect(second.stderr).toContain(`damaged.pcap: expected a packet of at most 4194304 bytes at byte ${bytes.length}`);
  });
});

describe("kernelcast replay FILE", () => {
  test(
    "says what it is, begins with the first subscriber, hands out everything, and serves on",
    async () => {
      const { process, url } = await served(["replay", DEMO]);
      await process.match(
        /^REPLAY of .*: recorded traffic, not what happens on this host now. It begins with the first/m,
      );
      const notice = expect.stringMatching(/^REPLAY of /);
      expect(await getJson(`${url}/readyz`)).toEqual({ status: "ok", source: { kind: "replay", notice } });
      expect((await sync(url)).protocols.http).toEqual({ observed: 0, enqueued: 0, delivered: 0, dropped: {} });
      const { frames, events, until, close } = subscribe(url);
      await until(() => events().length === DEMO_TRANSACTIONS);
      expect(frames[0]).toMatchObject({ type: "hello", source: { kind: "replay", notice } });
      await process.match(/demo\.pcap: 80 transactions from \d+ packets in [\d.]+ s/);
      expect(await sync(url)).toMatchObject({ balanced: true, protocols: { http: { delivered: DEMO_TRANSACTIONS } } });
      close();
      expect(await process.stop("SIGINT")).toBe(0);
    },
    LIMIT_MILLIS,
  );

  test(
    "begins at once with --no-wait, needs neither libbpf nor the kernel's reader, and takes as long as --speed says",
    async () => {
      const { process, url } = await served(["replay", DEMO, "--no-wait", "--speed", "20"]);
      await process.match(/demo\.pcap: 80 transactions/);
      const maps = readFileSync(`/proc/${process.pid}/maps`, "utf8");
      expect(maps).toContain("libreplay.so");
      expect(maps).not.toMatch(/libbpf|libreader/);
      expect((await sync(url)).balanced).toBe(true);
    },
    LIMIT_MILLIS,
  );

  test(
    "sends spans with the capture's times",
    async () => {
      const network = await Network.open();
      const collector = await Collector.start(network);
      const service = network.start([...KERNELCAST, "replay", DEMO, "--no-wait", "--port=0"], {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      });
      const [, url = ""] = await service.match(/page +(http:\/\/\S+:\d+)\/\n/);
      await service.match(/80 transactions/);
      const receipt = JSON.parse(
        await network.output("curl", "--silent", "-X", "POST", `${url}/sync?wait=export`),
      ) as Receipt;
      expect(receipt).toMatchObject({ balanced: true, spans: { exported: DEMO_TRANSACTIONS, queued: 0 } });
      await collector.report();
      const { stdout } = await kernelcast(["replay", DEMO, "--json"]).outcome();
      const starts = (times: string[]) => times.toSorted();
      expect(starts(collector.spans.map(({ startTimeUnixNano }) => startTimeUnixNano))).toEqual(
        starts(eventsOf(stdout).map(({ startTimeUnixNano }) => startTimeUnixNano)),
      );
    },
    LIMIT_MILLIS,
  );
});

describe("kernelcast serve --source auto", () => {
  test(
    "where the kernel may not be watched, plays a recording and says so everywhere",
    async () => {
      const otel = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };
      const { process, url } = await served(["serve", "--source", "auto"], otel);
      const loud =
        /^\*+\nDEMONSTRATION: this is NOT the traffic of this host\.\nThe kernel cannot be watched here \(missing: .*CAP_BPF.*\).*\n.*Run as root.*\n\*+\n$/;
      await process.match(/DEMONSTRATION/);
      expect(process.stderr).toMatch(loud);
      expect(process.stdout).toContain("plays a recording");
      // A demonstration never reaches a collector.
      expect(process.stdout).toMatch(/spans +off/);
      const notice = expect.stringMatching(/^DEMONSTRATION: this is NOT the traffic of this host\./);
      expect(await getJson(`${url}/readyz`)).toEqual({ status: "ok", source: { kind: "demo", notice } });
      expect(await shownInBrowser(url)).toContain('<p id="source" class="source" role="alert">DEMONSTRATION: ');
      const { frames, events, until, close } = subscribe(url);
      const beganNs = BigInt(Date.now()) * 1_000_000n - 60_000_000_000n;
      await until(() => events().length >= 3);
      expect(frames[0]).toMatchObject({ type: "hello", source: { kind: "demo", notice } });
      for (const { startTimeUnixNano } of events()) expect(BigInt(startTimeUnixNano) > beganNs).toBe(true);
      expect((await sync(url)).balanced).toBe(true);
      close();
      expect(await process.stop("SIGTERM")).toBe(0);
    },
    LIMIT_MILLIS,
  );
});

describe("npm start", () => {
  const setup = (file: string) => new URL(`../../server/setup/${file}.mjs`, import.meta.url).pathname;

  test(
    "needs no privilege where everything is installed and built",
    async () => {
      expect((await new Child(["node", setup("prepare")]).outcome()).exitCode).toBe(0);
      const start = new Child(
        unprivileged("node", setup("kernelcast"), "serve", "--source", "auto", "--port=0"),
        NO_SPANS,
      );
      const [, url = ""] = await start.match(/page +(http:\/\/\S+:\d+)\/\n/);
      expect(await getJson(`${url}/readyz`)).toMatchObject({ source: { kind: "demo" } });
      expect(start.stderr).toContain("DEMONSTRATION");
      expect(await start.stop("SIGINT")).toBe(0);
    },
    LIMIT_MILLIS,
  );
});

describeKernel("a capture of live traffic", () => {
  test(
    "watched where the kernel may be watched: --source auto is the kernel",
    async () => {
      const network = await Network.open();
      const service = await Service.start(network, { flags: ["--source", "auto"] });
      expect(JSON.parse(await service.get("/readyz"))).toEqual({
        status: "ok",
        source: expect.objectContaining({ kind: "kernel", attach: ATTACH }),
      });
      expect(service.process.stderr).toBe("");
    },
    LIMIT_MILLIS,
  );

  test(
    "replayed, has the transactions that the kernel saw live",
    async () => {
      const folder = temporaryFolder();
      const file = join(folder, "live.pcap");
      const body = join(folder, "body");
      await Bun.write(join(folder, "large.txt"), "line of text\n".repeat(40_000));
      await Bun.write(body, "x".repeat(70_000));
      const network = await Network.open();
      await startNginx(
        network,
        `gzip on; gzip_types text/plain; types { text/plain txt; }
        server {
          listen 127.0.0.1:8080; listen [::1]:8080; root ${folder}; client_body_buffer_size 1m; client_max_body_size 1m;
          location /none { return 204; }
          location /moved { return 301 /large.txt; }
          location /up { proxy_pass http://127.0.0.1:8080/none; }
          location /drop { return 444; }
        }`,
      );
      const service = await Service.start(network);
      const subscriber = await service.subscribe();
      // As root: else it would give up the right to write into this folder.
      const tcpdump = network.start(["tcpdump", "-i", "lo", "-U", "-Z", "root", "-w", file]);
      await tcpdump.match(/listening on lo/);

      const origins = ["http://127.0.0.1:8080", "http://[::1]:8080"];
      const paths = ["/large.txt", "/none", "/moved", "/missing"];
      const requests: CurlRequest[] = origins.flatMap((origin) => [
        ...paths.flatMap((path) => [
          { method: "GET", url: origin + path },
          { method: "HEAD", url: origin + path },
        ]),
        { method: "GET", url: `${origin}/large.txt`, headers: ["Accept-Encoding: gzip"] },
        { method: "GET", url: `${origin}/large.txt`, headers: ["Range: bytes=10-500"] },
        { method: "POST", url: `${origin}/up`, bodyFile: body },
        { method: "PUT", url: `${origin}/none`, bodyFile: body },
      ]);
      await curlAll(network, [...requests, ...requests], 4);
      await network.output("curl", "-s", "-o", "/dev/null", "--http1.0", "http://127.0.0.1:8080/large.txt");
      await network.start(["curl", "-s", "http://127.0.0.1:8080/drop"]).exited;
      const { id } = await service.sync();
      await subscriber.synced(id);
      const live = subscriber.events.slice();
      // What tcpdump has not read when it is ended would be missing.
      await network.output("curl", "-s", "-o", "/dev/null", `http://127.0.0.1:8080${LAST}`);
      while (!readFileSync(file).includes(LAST)) await Bun.sleep(10);
      tcpdump.signal("SIGINT");
      await tcpdump.exited;

      const { stdout } = await new Child([...KERNELCAST, "replay", file, "--json"]).outcome();
      // Its own connections are in the file, and left out live.
      const recorded = eventsOf(stdout).filter(({ server, path }) => server.port === 8080 && path !== LAST);
      const order = (events: readonly HttpEvent[]) =>
        events.toSorted(
          (a, b) => a.client.port - b.client.port || Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)),
        );
      const timeless = ({ seq, cpu, startTimeUnixNano, durationNano, timeToFirstByteNano, ...rest }: HttpEvent) => rest;
      expect(live.length).toBeGreaterThan(2 * requests.length);
      expect(order(recorded).map(timeless)).toEqual(order(live).map(timeless));
      for (const [index, event] of order(recorded).entries()) {
        const same = order(live)[index] as HttpEvent;
        const apart = Number(BigInt(event.startTimeUnixNano) - BigInt(same.startTimeUnixNano));
        expect(Math.abs(apart)).toBeLessThan(100e6);
        expect(Math.abs(event.durationNano - same.durationNano)).toBeLessThan(100e6);
      }
    },
    LIMIT_MILLIS,
  );
});

describe("a large capture", () => {
  const TRANSACTIONS = 200_000;
  const MEMORY_MAX_KIB = 400 * 1024;

  test(
    "reaches a slow subscriber whole, in bounded memory",
    async () => {
      const folder = temporaryFolder();
      const file = join(folder, "large.pcap");
      writeLarge(file, TRANSACTIONS);
      await Bun.$`chmod -R a+rX ${folder}`;
      const { process, url } = await served(["replay", file]);
      const reports: SlowReport[] = [];
      const program = new URL("support/programs/slow-subscriber.ts", import.meta.url).pathname;
      const subscriber = new Child([globalThis.process.execPath, program, url], {}, (line) => {
        if (line !== "reading") reports.push(JSON.parse(line) as SlowReport);
      });
      await process.match(/large\.pcap: 200,000 transactions/);
      const { id, balanced } = await sync(url);
      await subscriber.until(() => reports.some((report) => report.id === id));
      expect([balanced, reports.at(-1)]).toEqual([true, { id, events: TRANSACTIONS, gaps: 0, disorder: 0 }]);
      const [, peakKib = ""] = readFileSync(`/proc/${process.pid}/status`, "utf8").match(/VmHWM:\s+(\d+) kB/) ?? [];
      expect(Number(peakKib)).toBeLessThan(MEMORY_MAX_KIB);
    },
    4 * LIMIT_MILLIS,
  );

  /** Connections follow one another, each with one exchange; written piece by piece. */
  function writeLarge(file: string, count: number): void {
    const fd = openSync(file, "w");
    const startNs = 1_700_000_000_000_000_000n;
    writeSync(fd, pcap([], { nanos: true }));
    const header = pcap([]).length;
    for (let done = 0; done < count; done += 1000) {
      const packets = Array.from({ length: 1000 }, (_, index) => {
        const number = done + index;
        return exchange({ number: number % 40_000, startNs: startNs + BigInt(number) * 200_000n, salt: number });
      });
      writeSync(
        fd,
        pcap(
          packets.flat().toSorted((a, b) => (a.timeNs < b.timeNs ? -1 : 1)),
          { nanos: true },
        ).subarray(header),
      );
    }
    closeSync(fd);
  }
});
