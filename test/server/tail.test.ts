import { afterEach, describe, expect, test } from "bun:test";
import { batch as Batch, http_event as Http } from "../../ffi/layout.generated.ts";
import { createApp } from "../../server/app.ts";
import { Hub } from "../../server/hub.ts";
import { KernelFilter } from "../../server/kernel-filter.ts";
import { type Listener, listen } from "../../server/listen.ts";
import { tail } from "../../server/tail.ts";
import { readTailFlags, type SubscriptionParameters } from "../../server/tail-flags.ts";
import { eventLine, jsonLine, printable } from "../../server/terminal.ts";
import { FakeCapture, FakeTransport, httpEvent, httpEvents } from "./fake.ts";
import { endServing, serve } from "./support/serve.ts";
import { Synthetic } from "./support/synthetic.ts";

const CLI = new URL("../../server/cli.ts", import.meta.url).pathname;

const open: Listener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close(100);
  await endServing();
});

const service = (port = 0) => {
  const hub = new Hub({ queueMax: 1000, subscriberMax: 1, version: "0.0.0" });
  const app = createApp({ capture: new FakeCapture(), hub, spans: undefined, version: "0.0.0" });
  const listener = listen({ host: "127.0.0.1", port, app, hub });
  open.push(listener);
  return { hub, listener };
};

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await Bun.sleep(1);
};

const run = (port: number, { json = false, reads = true, parameters = {} as SubscriptionParameters } = {}) => {
  const printed: string[] = [];
  const warnings: string[] = [];
  const ending = new AbortController();
  const exitCode = tail({
    host: "127.0.0.1",
    port,
    json,
    parameters,
    signal: ending.signal,
    print: (lines) => {
      printed.push(lines);
      return reads;
    },
    warn: (line) => warnings.push(line),
  });
  return { printed, warnings, exitCode, stop: () => ending.abort() };
};

describe("tail", () => {
  test("prints one line per transaction until it is stopped", async () => {
    const { hub, listener } = service();
    const { printed, warnings, exitCode, stop } = run(listener.port);
    await until(() => hub.stats().connected === 1);
    hub.offer(httpEvents(1, 2));
    await until(() => printed.length > 0);
    stop();
    expect(await exitCode).toBe(0);
    expect(printed.join("")).toBe(
      httpEvents(1, 2)
        .map((event) => `${eventLine(event)}\n`)
        .join(""),
    );
    expect(warnings).toEqual([]);
    await until(() => hub.stats().connected === 0);
  });

  test("prints JSON when asked", async () => {
    const { hub, listener } = service();
    const { printed, exitCode, stop } = run(listener.port, { json: true });
    await until(() => hub.stats().connected === 1);
    hub.offer([httpEvent(1)]);
    await until(() => printed.length > 0);
    stop();
    await exitCode;
    expect(JSON.parse(printed.join(""))).toEqual(httpEvent(1));
  });

  test("ends quietly when nobody reads what it prints", async () => {
    const { hub, listener } = service();
    const { exitCode, warnings } = run(listener.port, { reads: false });
    await until(() => hub.stats().connected === 1);
    hub.offer([httpEvent(1)]);
    expect(await exitCode).toBe(0);
    expect(warnings).toEqual([]);
  });

  test("says in one line that nothing listens and what to start", async () => {
    const free = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { port } = free;
    free.stop(true);
    const { exitCode, warnings } = run(port);
    expect(await exitCode).toBe(1);
    expect(warnings).toEqual([
      `nothing answers at 127.0.0.1:${port}; start the service with: kernelcast serve, or name another with --host and --port`,
    ]);
  });

  test("says in one line that something else listens", async () => {
    const other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello", { status: 404 }) });
    const { exitCode, warnings } = run(other.port ?? 0);
    expect(await exitCode).toBe(1);
    expect(warnings).toEqual([`what listens at 127.0.0.1:${other.port} is not Kernelcast: it answers 404`]);
    await other.stop(true);
  });

  test("says in one line that what listens speaks no HTTP", async () => {
    const other = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (socket) => {
          socket.end("SSH-2.0-OpenSSH_9.2\r\n");
        },
        data() {},
      },
    });
    const { exitCode, warnings } = run(other.port);
    expect(await exitCode).toBe(1);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith(`what listens at 127.0.0.1:${other.port} is not Kernelcast: `);
    other.stop(true);
  });

  test("waits for a service that went away, and goes on with what its next life sees", async () => {
    const { hub, listener } = service();
    const { printed, warnings, exitCode, stop } = run(listener.port);
    await until(() => hub.stats().connected === 1);
    hub.offer([httpEvent(1, { path: "/before" })]);
    await until(() => printed.length === 1);
    await listener.close(1000);
    const next = service(listener.port);
    await until(() => next.hub.stats().connected === 1);
    next.hub.offer([httpEvent(1, { path: "/after" })]);
    await until(() => printed.length === 2);
    stop();
    expect(await exitCode).toBe(0);
    expect(printed.join("")).toMatch(/\/before\n.*\/after\n$/);
    expect(warnings).toEqual([
      `the service at 127.0.0.1:${listener.port} ended the connection (Kernelcast is shutting down); waiting for it`,
      ...warnings.slice(1, -1),
      "the service was restarted; what happened meanwhile was not seen",
    ]);
  });

  test("asks for what its flags say, in words that the service understands", async () => {
    const { hub, listener } = service();
    const parameters = { status: ["5xx", "404"], path: ["/a/**"], policy: ["drop-oldest"], sample: ["1/2"] };
    const { exitCode, stop } = run(listener.port, { parameters });
    await until(() => hub.stats().connected === 1);
    expect(hub.stats().subscribers[0]).toMatchObject({
      filter: { status: ["404", "5xx"], path: ["/a/**"], sample: 0.5 },
      policy: "drop-oldest",
    });
    stop();
    await exitCode;
  });

  test("says what it missed", async () => {
    const { hub, listener } = service();
    hub.offer(httpEvents(1, 5));
    const { exitCode, stop, warnings } = run(listener.port, { parameters: { since: ["2"] } });
    await until(() => warnings.length === 1);
    expect(warnings).toEqual(["3 transactions missed (3 to 5): the service keeps them no longer"]);
    stop();
    await exitCode;
  });
});

/** A service of which 100 events are known, and whose history has room for so many. */
const serviceThatHolds = (events: number, port = 0) => {
  const maxBytes = (events / 20) * (Batch.SIZE + 20 * Http.SIZE);
  const synthetic = new Synthetic({ maxBytes });
  const served = serve({ port, synthetic, ...(events === 0 && { history: undefined }) });
  served.happen(100);
  return served;
};

const missing60s = (seq: number) =>
  `--since 60s: the service does not hold all of that; what follows begins with event ${seq}`;
const noSuchEvent = (since: string) =>
  `--since ${since}: in its present run the service has seen no such event; all that it holds follows`;
const gone = (count: number, from: number, to: number) =>
  `${count} transactions missed (${from} to ${to}): the service keeps them no longer`;

describe("tail that asks for what is past", () => {
  test.each<[since: string, holds: number, warnings: string[], firstSeq: number]>([
    ["60s", 100, [], 1],
    ["60s", 60, [missing60s(41)], 41],
    ["60s", 0, [missing60s(101)], 101],
    ["40", 60, [], 41],
    ["12", 60, [gone(28, 13, 40)], 41],
    ["12", 0, [gone(88, 13, 100)], 101],
    ["100", 0, [], 101],
    ["101", 100, [noSuchEvent("101")], 1],
    ["50@old", 60, [noSuchEvent("50@old"), gone(40, 1, 40)], 41],
    ["0@old", 100, [noSuchEvent("0@old")], 1],
  ])(
    "--since %s of a service that holds %d of 100 events says what does not come",
    async (since, holds, said, first) => {
      const { hub, listener, happen } = serviceThatHolds(holds);
      const { printed, warnings, exitCode, stop } = run(listener.port, { json: true, parameters: { since: [since] } });
      await until(() => hub.stats().connected === 1);
      happen(1);
      await until(() => printed.join("").includes('"seq":101,'));
      stop();
      expect(await exitCode).toBe(0);
      const seqs = printed.flatMap((text) => text.trim().split("\n")).map((text) => JSON.parse(text).seq);
      expect(seqs).toEqual(Array.from({ length: 102 - first }, (_, index) => first + index));
      expect(warnings).toEqual(said);
    },
  );

  test("is told, too, when what it asked for was left out in the kernel, where nobody numbered it", async () => {
    const interest = new KernelFilter({ lingerMillis: 60_000 });
    const sync = async () => ({ id: 1, protocols: {}, missingCpus: [] });
    interest.attach({ running: true, setWanted: () => true, sync });
    const { hub, listener, happen } = serve({ interest });
    hub.subscribe(new FakeTransport(), "fake", { filter: { status: ["5xx"] } });
    hub.tend();
    happen(5, { status: 500 });
    const { printed, warnings, exitCode, stop } = run(listener.port, { parameters: { since: ["3"] } });
    await until(() => printed.join("").includes("/5\n") && warnings.length > 0);
    stop();
    await exitCode;
    expect(warnings).toEqual(["--since 3: the service does not hold all of that; what follows begins with event 4"]);
  });

  test("is told once, and not again by another life of the service", async () => {
    const { hub, listener } = serviceThatHolds(60);
    const { printed, warnings, exitCode, stop } = run(listener.port, { parameters: { since: ["60s"] } });
    await until(() => hub.stats().connected === 1 && printed.join("").includes("/100\n"));
    await listener.close(1000);
    const next = serviceThatHolds(60, listener.port);
    await until(() => next.hub.stats().connected === 1 && printed.join("").split("/100\n").length === 3);
    stop();
    expect(await exitCode).toBe(0);
    expect(warnings).toContain("the service was restarted; what happened meanwhile was not seen");
    expect(warnings.filter((line) => line.startsWith("--since"))).toEqual([missing60s(41)]);
  });

  test("is told on stderr, so that stdout holds JSON alone", async () => {
    const { listener } = serviceThatHolds(60);
    const argv = ["tail", `--port=${listener.port}`, "--since=60s", "--json"];
    const child = Bun.spawn([process.execPath, CLI, ...argv], {
      env: { PATH: process.env.PATH ?? "" },
      stdout: "pipe",
      stderr: "pipe",
    });
    const decoder = new TextDecoder();
    let stdout = "";
    for await (const bytes of child.stdout) {
      stdout += decoder.decode(bytes, { stream: true });
      if (stdout.split("\n").length > 60) child.kill("SIGTERM");
    }
    expect(
      stdout
        .trim()
        .split("\n")
        .map((text) => JSON.parse(text).seq),
    ).toEqual(Array.from({ length: 60 }, (_, index) => 41 + index));
    expect(await child.stderr.text()).toBe(`${missing60s(41)}\n`);
    expect(await child.exited).toBe(0);
  });
});

const lines: [string, Parameters<typeof httpEvent>[1], RegExp][] = [
  [
    "an ordinary transaction",
    { host: "api.local", path: "/a" },
    /^14:13:20\.000 {2}200 {2}GET {8}1\.2ms {3}1\.2kB {2}10\.0\.0\.7:51514 > 10\.0\.0\.2:8080 +api\.local\/a$/,
  ],
  ["one without a response", { status: 0, outcome: "reset" }, / {2}--- {2}GET .*\(reset\)$/],
  ...(
    [
      [0, "0B"],
      [999, "999B"],
      [1000, "1.0kB"],
      [99_949, "99.9kB"],
      [99_951, "100kB"],
      [999_499, "999kB"],
      [999_500, "1.0MB"],
      [5e9, "5.0GB"],
      [2 ** 53, "9007TB"],
    ] as const
  ).map(([responseBodyBytes, text]): (typeof lines)[number] => [
    `a body of ${responseBodyBytes} bytes`,
    { responseBodyBytes },
    new RegExp(` {2}${text.padStart(6)}  10\\.`),
  ]),
  ["a server behind a NAT", { answeredBy: { address: "10.0.0.9", port: 80 } }, / > 10\.0\.0\.2:8080 > 10\.0\.0\.9:80 /],
  ["an absolute form, which names the host itself", { host: "h", path: "http://h/a" }, / {2}http:\/\/h\/a$/],
  ["IPv6", { client: { address: "::1", port: 1 } }, / {2}\[::1\]:1 > /],
  ["a query and a truncated path", { path: "/a", query: "b=1", pathTruncated: true }, /\/a\?b=1…$/],
  ["microseconds", { durationNano: 42_000 }, / 42us /],
  ["seconds", { durationNano: 1.5e9 }, / 1\.50s /],
];
test("colors are of the columns, and none is in what a request holds", () => {
  const text = eventLine(httpEvent(1, { status: 503, path: "/\u001b[31m", outcome: "closed" }), true);
  expect(text).toContain("\x1b[31m503\x1b[0m");
  expect(text).toContain("/\\x1b[31m");
  expect(Bun.stripANSI(text)).toBe(eventLine(httpEvent(1, { status: 503, path: "/\u001b[31m", outcome: "closed" })));
});

describe("the flags of tail", () => {
  test("are taken out of the settings' flags", () => {
    const argv = ["--port", "81", "--status=5xx", "--status", "!503", "--http-host=a", "--json", "--no-color"];
    expect(readTailFlags([...argv, "--min-duration-ms=1.5", "--url", "https://a", "--since=10s"])).toEqual({
      json: true,
      isColored: false,
      url: "https://a",
      parameters: { status: ["5xx", "!503"], host: ["a"], minDurationMs: ["1.5"], since: ["10s"] },
      rest: ["--port", "81"],
      problems: [],
    });
  });

  test.each([
    [["--status"], "--status needs a value"],
    [["--status", "--json"], "--status needs a value"],
    [
      ["--status", "200", "--status=abc"],
      '--status: expected a status such as 500, 5xx or 400-499; 0 is no response; a leading ! excludes, got "abc"',
    ],
    [
      ["--server-port=99999"],
      '--server-port: expected a port such as 8080 or 8000-8099; a leading ! excludes, got "99999"',
    ],
    [["--sample=2"], '--sample: expected a share above 0 and up to 1, such as 0.1 or 1/10, got "2"'],
    [["--policy=drop"], '--policy: expected one of drop-newest, drop-oldest, sample, disconnect, got "drop"'],
    [["--url=localhost:4320"], '--url: expected one such as https://api.local:4320, got "localhost:4320"'],
  ])("%j is refused: %s", (argv, problem) => {
    expect(readTailFlags(argv).problems).toEqual([problem]);
  });
});

test("a transaction without a response has no size", () => {
  const { responseBodyBytes, ...event } = httpEvent(1, { status: 0 });
  expect(eventLine(event)).toMatch(/1\.2ms {7}- {2}10/);
});

test.each(lines)("%s is one readable line", (_, change, expected) => {
  expect(eventLine(httpEvent(1, change))).toMatch(expected);
});

test("what would drive the terminal is shown, not obeyed", () => {
  expect(printable("a\u001b[2J\n\u007f\u009b\u202eé日\u{1f980}")).toBe("a\\x1b[2J\\x0a\\x7f\\x9b\\u202eé日\u{1f980}");
  expect(eventLine(httpEvent(1, { path: "/\u001b]0;x\u0007\n" }))).toEndWith("/\\x1b]0;x\\x07\\x0a");
  const event = httpEvent(1, { path: "/\u009b\u202e\u001b" });
  expect(jsonLine(event)).toContain("/\\u009b\\u202e\\u001b");
  expect(JSON.parse(jsonLine(event))).toEqual(event);
});
