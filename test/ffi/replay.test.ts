import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CaptureError } from "../../ffi/errors.ts";
import type { EventSink, HttpEvent, ObservedEvent } from "../../ffi/event.ts";
import { PATH_MAX_LIMIT } from "../../ffi/reader-options.ts";
import { ReplayCapture, type ReplayCaptureOptions } from "../../ffi/replay.ts";
import { type CapturedPacket, exchange, pcap, pcapng, relinked, STEP_NS } from "./support/capture-file.ts";

const folder = mkdtempSync(join(tmpdir(), "kernelcast-replay-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const open = new Set<ReplayCapture>();
afterEach(() => {
  for (const capture of open) capture.close();
  open.clear();
});

const START_NS = 1_700_000_000_123_456_789n;
/** From the first packet of an exchange to its request. */
const REQUEST_NS = 2n * STEP_NS;

function place(bytes: Uint8Array, name = "test.pcap"): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A replay that keeps its events, opened and not begun. */
function opened(file: Uint8Array | string, options: Partial<ReplayCaptureOptions> = {}, sink: Partial<EventSink> = {}) {
  const events: HttpEvent[] = [];
  const path = typeof file === "string" ? file : place(file);
  const offer = (batch: readonly ObservedEvent[]) => {
    events.push(...(batch as readonly HttpEvent[]));
  };
  const capture = new ReplayCapture({ path, speed: 0, loop: false, ...options }, [{ offer, ...sink }]);
  open.add(capture);
  return { capture, events };
}

async function replayed(file: Uint8Array | string, options?: Partial<ReplayCaptureOptions>) {
  const { capture, events } = opened(file, options);
  await capture.start();
  capture.play();
  await capture.ended;
  const stats = capture.stats();
  expect(stats.protocols.http).toEqual({
    observed: events.length,
    enqueued: events.length,
    delivered: events.length,
    pending: 0,
    dropped: {},
  });
  await capture.stop();
  capture.close();
  const status = capture.status();
  expect(stats.reader).toMatchObject({ replay_packets: status.packets, replay_bytes: status.bytes });
  return { events, status };
}

const summary = (events: readonly HttpEvent[]) =>
  events.map(({ path, status, outcome, startTimeUnixNano, durationNano }) => ({
    path,
    status,
    outcome,
    startTimeUnixNano,
    durationNano,
  }));

const expected = (number = 1, startNs = START_NS, resolutionNs = 1n) => {
  const rounded = (ns: bigint) => (ns / resolutionNs) * resolutionNs;
  const start = rounded(startNs + REQUEST_NS);
  return {
    path: `/exchange/${number}`,
    status: 200,
    outcome: "complete" as const,
    startTimeUnixNano: String(start),
    durationNano: Number(rounded(startNs + REQUEST_NS + STEP_NS) - start),
  };
};

describe("a capture's transactions have the times of its packets, whatever wrote it", () => {
  const packets = exchange();
  const MICRO = 1000n;
  const two = (name: string) => [{ linkType: 1, resolution: 9 }, { linkType: name === "raw" ? 101 : 113 }];
  const alternating = (header: (ethertype: number) => Uint8Array): CapturedPacket[] => {
    const other = relinked(packets, header);
    return packets.map((packet, index) =>
      index % 2 ? { ...(other[index] as CapturedPacket), interface: 1 } : { ...packet, interface: 0 },
    );
  };
  const files: [string, Buffer, bigint][] = [
    ["pcap, microseconds", pcap(packets), MICRO],
    ["pcap, microseconds, the other byte order", pcap(packets, { order: "big" }), MICRO],
    ["pcap, nanoseconds", pcap(packets, { nanos: true }), 1n],
    ["pcap, nanoseconds, the other byte order", pcap(packets, { nanos: true, order: "big" }), 1n],
    ["pcapng", pcapng(packets), MICRO],
    ["pcapng, the other byte order", pcapng(packets, { order: "big" }), MICRO],
    ["pcapng, nanoseconds", pcapng(packets, { interfaces: [{ linkType: 1, resolution: 9 }] }), 1n],
    [
      "pcapng, nanoseconds, the other byte order",
      pcapng(packets, { order: "big", interfaces: [{ linkType: 1, resolution: 9 }] }),
      1n,
    ],
    ["pcapng, milliseconds", pcapng(packets, { interfaces: [{ linkType: 1, resolution: 3 }] }), 1000n * MICRO],
    [
      "pcapng, times that count from a second of its own",
      pcapng(packets, { interfaces: [{ linkType: 1, resolution: 9, offset: 1_600_000_000n }] }),
      1n,
    ],
    [
      "pcapng, the same in the other byte order, into the future",
      pcapng(packets, { order: "big", interfaces: [{ linkType: 1, resolution: 9, offset: -5n }] }),
      1n,
    ],
    ["pcapng, packet blocks as they once were", pcapng(packets, { block: "old" }), MICRO],
    [
      "pcapng, a new section in the other byte order",
      Buffer.concat([pcapng(packets.slice(0, 3)), pcapng(packets.slice(3), { order: "big" })]),
      MICRO,
    ],
  ];
  test.each(files)("%s", async (_name, file, resolutionNs) => {
    const { events, status } = await replayed(file);
    expect(summary(events)).toEqual([expected(1, START_NS, resolutionNs)]);
    expect(status).toMatchObject({
      state: "ended",
      message: "",
      packets: packets.length,
      cutPackets: 0,
      unknownPackets: 0,
    });
  });

  test("pcapng, powers of two", async () => {
    const { events } = await replayed(pcapng(packets, { interfaces: [{ linkType: 1, resolution: 0x80 + 20 }] }));
    const [event] = events;
    expect(Number(BigInt(event?.startTimeUnixNano ?? 0) - START_NS - REQUEST_NS)).toBeWithin(-954, 1);
  });

  test.each(["raw", "cooked"])("pcapng, two interfaces, of which one is %s", async (name) => {
    const header = (ethertype: number) =>
      name === "raw" ? Buffer.alloc(0) : Buffer.from([...Array(14).fill(0), ethertype >> 8, ethertype & 255]);
    const file = pcapng(alternating(header), { interfaces: two(name) });
    const { events } = await replayed(file);
    expect(events.map(({ path, status }) => [path, status])).toEqual([["/exchange/1", 200]]);
  });

  test("packets without a time are replayed in their order", async () => {
    const { events } = await replayed(pcapng(packets, { block: "simple" }));
    expect(events.map(({ path, status, durationNano }) => [path, status, durationNano])).toEqual([
      ["/exchange/1", 200, 0],
    ]);
  });
});

describe("link types", () => {
  const family = (value: number, order: "LE" | "BE") => (ethertype: number) => {
    const header = Buffer.alloc(4);
    header[`writeUInt32${order}`](ethertype === 0x0800 ? 2 : value);
    return header;
  };
  const none = () => Buffer.alloc(0);
  const cooked = (ethertype: number) => Buffer.from([...Array(14).fill(0), ethertype >> 8, ethertype & 255]);
  const cooked2 = (ethertype: number) => Buffer.from([ethertype >> 8, ethertype & 255, ...Array(18).fill(0)]);
  const types: [string, number, ((ethertype: number) => Uint8Array) | undefined, (4 | 6)[]][] = [
    ["Ethernet", 1, undefined, [4, 6]],
    ["Linux cooked", 113, cooked, [4, 6]],
    ["Linux cooked v2", 276, cooked2, [4, 6]],
    ["raw IP", 101, none, [4, 6]],
    ["raw IP of BSD", 12, none, [4, 6]],
    ["raw IP of OpenBSD", 14, none, [4, 6]],
    ["IPv4", 228, none, [4]],
    ["IPv6", 229, none, [6]],
    ["loopback of macOS", 0, family(30, "LE"), [4, 6]],
    ["loopback of a machine of the other byte order", 0, family(24, "BE"), [4, 6]],
    ["loopback of OpenBSD", 108, family(24, "BE"), [4, 6]],
  ];
  for (const [name, linkType, header, families] of types) {
    test.each(families)(`${name}: IPv%d`, async (family) => {
      const frames = exchange({ family });
      const packets = header === undefined ? frames : relinked(frames, header);
      const { events } = await replayed(pcap(packets, { linkType, nanos: true }));
      expect(summary(events)).toEqual([expected()]);
      expect(events[0]?.client.address).toBe(family === 4 ? "192.0.2.1" : "2001:db8::1");
    });
  }

  test.each(["vlan", "qinq"] as const)("Ethernet with tags: %s", async (layers) => {
    const { events } = await replayed(pcap(exchange({ layers }), { nanos: true }));
    expect(summary(events)).toEqual([expected()]);
  });

  test("packets of any other are counted, and those of the interface beside it replayed", async () => {
    const packets = [...exchange(), ...exchange({ number: 2 }).map((packet) => ({ ...packet, interface: 1 }))];
    const { events, status } = await replayed(pcapng(packets, { interfaces: [{ linkType: 1 }, { linkType: 105 }] }));
    expect(events.map(({ path }) => path)).toEqual(["/exchange/1"]);
    expect(status).toMatchObject({ packets: packets.length, unknownPackets: packets.length / 2, unknownLinkType: 105 });
  });
});

describe("what is no capture is refused with the file, what was expected and what was found", () => {
  const header = pcap([]);
  const with32 = (at: number, value: number, file = header) => {
    const bytes = Buffer.from(file);
    bytes.writeUInt32LE(value, at);
    return bytes;
  };
  const faults: [string, Uint8Array, string][] = [
    ["an empty file", Buffer.alloc(0), "expected a pcap or pcapng file, found 0 bytes"],
    ["three bytes", Buffer.from("abc"), "expected a pcap or pcapng file, found 3 bytes"],
    ["a text", Buffer.from("root:x:0"), "expected a pcap or pcapng file, found one that begins with 72 6f 6f 74"],
    [
      "a compressed file",
      Bun.gzipSync(new Uint8Array(header)),
      "expected a pcap or pcapng file, found one that begins with 1f 8b 08 00; it is compressed: gunzip -c FILE | kernelcast replay -",
    ],
    ["another version", with32(4, 0x00040003), "a pcap file of version 3; expected 2"],
    ["half a header", header.subarray(0, 20), "ends in the middle of the file's header that begins at byte 0"],
  ];
  test.each(faults)("%s", (_name, bytes, message) => {
    const path = place(bytes);
    expect(() => opened(path)).toThrow(new CaptureError(`${path}: ${message}`));
  });

  test("a file that is not there, and a folder", () => {
    expect(() => opened(join(folder, "none"))).toThrow(
      new CaptureError(`cannot open ${join(folder, "none")}: No such file or directory`),
    );
    expect(() => opened(folder)).toThrow(new CaptureError(`${folder}: cannot be read: Is a directory`));
  });
});

describe("a file that breaks is replayed up to there, and what is wrong is said", () => {
  const first = exchange();
  const packets = [...first, ...exchange({ number: 2, startNs: START_NS + BigInt(1e9) })];
  const ng = pcapng(packets);
  const at = (needle: number) => {
    const found = pcapng(packets.slice(0, needle)).length;
    return found;
  };
  const changed = (offset: number, value: number) => {
    const bytes = Buffer.from(ng);
    bytes.writeUInt32LE(value, offset);
    return bytes;
  };
  const behind = at(first.length);
  const faults: [string, Buffer, string][] = [
    [
      "a pcap packet of a gigabyte",
      (() => {
        const bytes = Buffer.from(pcap(packets));
        bytes.writeUInt32LE(2 ** 30, pcap(first).length + 8);
        return bytes;
      })(),
      `expected a packet of at most 4194304 bytes at byte ${pcap(first).length}, found one of 1073741824`,
    ],
    [
      "a block shorter than its head",
      changed(behind + 4, 8),
      `expected a length that is a multiple of 4, at least 12 in the block at byte ${behind}, found 8`,
    ],
    [
      "a block of an odd length",
      changed(behind + 4, 33),
      `expected a length that is a multiple of 4, at least 12 in the block at byte ${behind}, found 33`,
    ],
    [
      "an interface that was not described",
      changed(behind + 8, 7),
      `expected the number of an interface that was described before in the block at byte ${behind}, found 7`,
    ],
    [
      "a packet longer than its block",
      changed(behind + 20, 5000),
      `expected no more packet bytes than the block has in the block at byte ${behind}, found 5000`,
    ],
    [
      "a section of no byte order",
      Buffer.concat([ng.subarray(0, behind), changed(8, 0x01020304)]),
      `expected the byte order 1a2b3c4d in the section at byte ${behind}, found 01020304`,
    ],
  ];
  test.each(faults)("%s", async (_name, file, message) => {
    const path = place(file);
    const { events, status } = await replayed(path);
    expect(events.map((event) => event.path)).toEqual(["/exchange/1"]);
    expect(status).toMatchObject({ state: "broken", message: `${path}: ${message}` });
  });

  test.each([
    ["pcap", pcap(packets), (count: number) => pcap(packets.slice(0, count)).length],
    ["pcapng", ng, at],
  ] as const)(
    "%s, cut at every byte",
    async (_name, file, lengthOf) => {
      const ends = packets.map((_, index) => lengthOf(index + 1));
      // From the first byte behind the headers on.
      for (let length = lengthOf(0) + 1; length <= file.length; length++) {
        const path = place(file.subarray(0, length));
        const { events, status } = await replayed(path);
        const whole = ends.filter((end) => end <= length).length;
        // The request is the third packet of an exchange, the response the fourth.
        const answered = [4, first.length + 4].filter((count) => whole >= count).length;
        const asked = [3, first.length + 3].filter((count) => whole >= count).length;
        expect(events.map((event) => [event.path, event.status])).toEqual(
          Array.from({ length: asked }, (_, index) => [`/exchange/${index + 1}`, index < answered ? 200 : 0]),
        );
        const isBoundary = ends.includes(length);
        expect([status.state, status.packets, status.message === ""]).toEqual(["ended", whole, isBoundary]);
        if (!isBoundary) expect(status.message).toMatch(/: ends (in the middle of a (packet|block)|\d+ bytes before)/);
      }
    },
    60_000,
  );
});

describe("packets that a capture has cut", () => {
  const bodyBytes = 100_000;
  const packets = exchange({ bodyBytes, startNs: START_NS });
  const cut = (bytes: number) =>
    packets.map((packet) => ({ ...packet, bytes: packet.bytes.subarray(0, bytes), length: packet.bytes.length }));

  test("are as good as whole where the heads are there", async () => {
    const whole = await replayed(pcap(packets, { nanos: true }));
    const { events, status } = await replayed(pcap(cut(128), { nanos: true }));
    expect(events).toEqual(whole.events);
    expect(events[0]).toMatchObject({ outcome: "complete", responseBodyBytes: bodyBytes });
    expect(status.cutPackets).toBeGreaterThan(bodyBytes / 1448);
  });

  test("still tell that there was a request where they are not", async () => {
    const { events } = await replayed(pcap(cut(80), { nanos: true }));
    expect(events.map(({ method, path }) => [method, path.slice(0, 8)])).toEqual([["GET", "/exchang"]]);
  });
});

describe("the clock of a capture", () => {
  test("goes back a little: packets of several queues are out of order, and no duration is negative", async () => {
    const packets = exchange();
    const response = packets[3] as CapturedPacket;
    response.timeNs = (packets[2] as CapturedPacket).timeNs - 5000n;
    const { events } = await replayed(pcap(packets, { nanos: true }));
    expect(events.map(({ path, durationNano }) => [path, durationNano])).toEqual([["/exchange/1", 0]]);
  });

  test("goes back by an hour: a second capture behind the first one", async () => {
    const hourNs = 3_600_000_000_000n;
    // The same connection; its answer is missing in the first.
    const packets = [...exchange().slice(0, 3), ...exchange({ startNs: START_NS - hourNs })];
    const { events } = await replayed(pcap(packets, { nanos: true }));
    expect(events.map(({ status, outcome, startTimeUnixNano }) => [status, outcome, startTimeUnixNano])).toEqual([
      [0, "timeout", String(START_NS + REQUEST_NS)],
      [200, "complete", String(START_NS - hourNs + REQUEST_NS)],
    ]);
  });

  test("decides what is silent for too long", async () => {
    const later = exchange({ number: 2, startNs: START_NS + 30_000_000_000n });
    const { events } = await replayed(pcap([...exchange().slice(0, 3), ...later], { nanos: true }), {
      idleTimeoutMillis: 10_000,
    });
    expect(events.map(({ path, outcome }) => [path, outcome])).toEqual([
      ["/exchange/1", "timeout"],
      ["/exchange/2", "complete"],
    ]);
  });
});

describe("a replay", () => {
  const SECONDS = 1_000_000_000n;
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      exchange({ number: index + 1, startNs: START_NS + (BigInt(index) * SECONDS) / 100n }),
    ).flat();

  test("begins when it is told to, can be synchronised before, meanwhile and after, and begins anew when opened again", async () => {
    const file = pcap(many(3), { nanos: true });
    for (let round = 0; round < 2; round++) {
      const { capture, events } = opened(file);
      await capture.start();
      expect((await capture.sync()).protocols.http).toMatchObject({ observed: 0 });
      expect(events).toEqual([]);
      capture.play();
      await capture.ended;
      expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect(await capture.sync()).toMatchObject({
        id: 2,
        missingCpus: [],
        protocols: { http: { delivered: 3, pending: 0 } },
      });
      expect(capture.running).toBe(true);
      await capture.stop();
      expect(capture.running).toBe(false);
      capture.close();
    }
  });

  test("takes as long as its speed says", async () => {
    const { capture, events } = opened(pcap(many(50)), { speed: 2 });
    await capture.start();
    const began = performance.now();
    capture.play();
    await capture.ended;
    // The last of 50 begins 490 ms after the first, and 5 ms later it is over.
    expect(performance.now() - began).toBeGreaterThanOrEqual(240);
    expect(events).toHaveLength(50);
  });

  test("is held while its stream is disabled, and misses nothing", async () => {
    const { capture, events } = opened(pcap(many(20)), { speed: 1 });
    await capture.start();
    expect(capture.setEnabled("http", false)).toBe(true);
    capture.play();
    await capture.sync();
    expect([events.length, capture.stats().enabled]).toEqual([0, []]);
    capture.setEnabled("http", true);
    expect(capture.setEnabled("tcp", true)).toBe(false);
    await capture.ended;
    expect(events).toHaveLength(20);
  });

  test("waits for a sink that is not ready, hands it little more meanwhile, and loses nothing", async () => {
    const count = 20_000;
    let waiting: (() => void) | undefined;
    let offered = 0;
    let most = 0;
    const sink: Partial<EventSink> = {
      offer: (batch) => {
        offered += batch.length;
        most = Math.max(most, offered);
      },
      ready: () => {
        if (offered === 0) return undefined;
        return new Promise((resolve) => {
          waiting = resolve;
        });
      },
    };
    const { capture } = opened(pcap(many(count)), { sharedRingBytes: 64 * 1024 }, sink);
    await capture.start();
    capture.play();
    let ended = false;
    void capture.ended.then(() => {
      ended = true;
    });
    let taken = 0;
    while (!ended) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (waiting === undefined) continue;
      taken += offered;
      offered = 0;
      const resolve = waiting;
      waiting = undefined;
      resolve();
    }
    expect(taken + offered).toBe(count);
    expect(most).toBeLessThanOrEqual(512);
    expect(capture.stats().reader.ring_full).toBeGreaterThan(0);
  });

  test("that loops plays with present times, again and again, and does not end", async () => {
    const { capture, events } = opened(pcap(many(3)), { speed: 1, loop: true });
    const beganNs = BigInt(Date.now()) * 1_000_000n;
    await capture.start();
    capture.play();
    while (events.length < 6) await new Promise<void>((resolve) => setImmediate(resolve));
    const endedNs = BigInt(Date.now() + 1) * 1_000_000n;
    expect(events.slice(0, 6).map(({ path }) => path)).toEqual(
      [1, 2, 3, 1, 2, 3].map((number) => `/exchange/${number}`),
    );
    const starts = events.map(({ startTimeUnixNano }) => BigInt(startTimeUnixNano));
    for (const start of starts) expect(start >= beganNs && start <= endedNs).toBe(true);
    expect(starts).toEqual(starts.toSorted());
    await capture.stop();
    expect(capture.status().state).toBe("reading");
  });

  test("stops in the middle, with what was replayed", async () => {
    const { capture, events } = opened(pcap(many(100)), { speed: 1 });
    await capture.start();
    capture.play();
    while (events.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    await capture.stop();
    expect(events.length).toBeLessThan(100);
    expect(capture.stats().protocols.http).toMatchObject({ delivered: events.length, pending: 0 });
  });

  test("is one at a time in a process", () => {
    const { capture } = opened(pcap(many(1)));
    expect(() => opened(pcap(many(1)))).toThrow(/^cannot replay .*: another replay is open$/);
    capture.close();
    opened(pcap(many(1)));
  });

  test("keeps of a target what pathMax says, and the query only when asked", async () => {
    const target = `/${"a".repeat(3000)}?q=1`;
    const file = pcap(exchange({ request: `GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`, segmentBytes: 60_000 }));
    const short = await replayed(file);
    const long = await replayed(file, { pathMax: PATH_MAX_LIMIT, captureQuery: true });
    const tiny = await replayed(file, { pathMax: 10 });
    const shown = ({ events: [event] }: typeof short) => [event?.path.length, event?.pathTruncated, event?.query];
    expect([short, long, tiny].map(shown)).toEqual([
      [224, true, undefined],
      [3001, false, "q=1"],
      [10, true, undefined],
    ]);
  });

  test("forgets idle connections where the table gets full, those that are silent longest first", async () => {
    // Answered, and not closed: 20 ms apart, three times as many as there is room for.
    const kept = Array.from({ length: 192 }, (_, index) =>
      exchange({ number: index + 1, startNs: START_NS + BigInt(index) * 20_000_000n }).slice(0, 4),
    ).flat();
    const { events } = await replayed(pcap(kept), { connectionsMax: 64 });
    expect(events.map(({ status }) => status)).toEqual(Array(192).fill(200));
  });

  test("follows no more connections than it may, and counts what it drops", async () => {
    const requests = Array.from({ length: 200 }, (_, index) => exchange({ number: index + 1 })[2] as CapturedPacket);
    const { capture, events } = opened(pcap(requests), { connectionsMax: 64 });
    await capture.start();
    capture.play();
    await capture.ended;
    const { observed = 0, dropped: { table_full: full = 0 } = {} } = capture.stats().protocols.http ?? {};
    expect(events.length).toBeGreaterThanOrEqual(64);
    expect(observed).toBe(events.length + full);
    expect(full).toBeGreaterThan(0);
  });
});
