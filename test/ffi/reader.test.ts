import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Consumer } from "../../ffi/consumer.ts";
import { CaptureError } from "../../ffi/errors.ts";
import { http } from "../../ffi/protocol.ts";
import { Reader } from "../../ffi/reader.ts";
import type { ReaderOptions } from "../../ffi/reader-options.ts";
import { describeKernel } from "../kernel.ts";

/** So often the event loop turns for what is to come within a turn or two of its cause. */
const TURNS = 5000;
/** Loading the programs takes a second on a busy machine, and some tests do it several times. */
const LIMIT_MILLIS = 60_000;

const open: { close(): void }[] = [];

const openReader = (options: Partial<ReaderOptions> = {}) => {
  const reader = new Reader({ sharedRingBytes: 1 << 20, ringBytes: 1 << 16, ...options });
  open.push(reader);
  return reader;
};

const startReader = async (options?: Partial<ReaderOptions>) => {
  const reader = openReader(options);
  await reader.start();
  return reader;
};

/** A web server of this process whose requests come from another one, so that they are not left out as our own. */
const serve = () => {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hello") });
  open.push({ close: () => void server.stop(true) });
  const request = async (...paths: string[]) => {
    const urls = paths.map((path) => `http://127.0.0.1:${server.port}${path}`);
    const curl = Bun.spawn(["curl", "--silent", "--fail", "--noproxy", "*", ...urls], {
      stdout: "ignore",
      stderr: "inherit",
    });
    expect(await curl.exited).toBe(0);
  };
  return request;
};

/** Lets the event loop turn while the promise is pending, and counts only from when the cause is there. */
const settle = async (promise: Promise<unknown>, isCaused = () => true) => {
  promise.catch(() => {});
  for (let turns = 0; turns < TURNS && Bun.peek.status(promise) === "pending"; ) {
    await new Promise((resolve) => setImmediate(resolve));
    if (isCaused()) turns++;
  }
  return Bun.peek.status(promise);
};

const errorOf = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
};

describeKernel("Reader", () => {
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });

  describe("in order", () => {
    test(
      "what was requested before a sync has been handed out when it resolves, each once",
      async () => {
        const reader = openReader();
        const request = serve();
        const paths: string[] = [];
        const consumer = new Consumer(reader, http, (events) => {
          for (const { path } of events) if (path.startsWith("/reader-test/")) paths.push(path);
        });
        consumer.start();
        await reader.start();
        expect(reader.running).toBe(true);
        const expected: string[] = [];
        for (let round = 0; round < 5; round++) {
          const batch = Array.from({ length: 20 }, (_, index) => `/reader-test/${round}/${index}`);
          await request(...batch);
          expected.push(...batch);
          expect(await consumer.sync()).toEqual({ id: round + 1, missingCpus: [] });
          // Each on the CPU that it ended on; between CPUs there is no order.
          expect(paths.toSorted()).toEqual(expected.toSorted());
        }
        await request("/reader-test/last");
        await reader.stop();
        expect(paths).toContain("/reader-test/last");
        expect(reader.running).toBe(false);
        expect(reader.stats()).toMatchObject({ out_of_order: 0, malformed: 0, lost_records: 0 });
      },
      LIMIT_MILLIS,
    );

    test(
      "a call that comes again does nothing",
      async () => {
        const reader = await startReader();
        await reader.start();
        expect((await reader.sync()).id).toBe(1);
        await Promise.all([reader.stop(), reader.stop()]);
        await reader.stop();
        await reader.start();
        expect(reader.running).toBe(false);
        reader.close();
        reader.close();
        await reader.stop();
        await reader.start();
        expect(reader.running).toBe(false);
      },
      LIMIT_MILLIS,
    );
  });

  describe("out of order", () => {
    test(
      "a sync is refused, with the state, before the start, while stopping, after the stop and after the close",
      async () => {
        const reader = openReader();
        const refusal = (state: string) => new CaptureError(`cannot sync: the capture is ${state}, not running`);
        const consumer = new Consumer(reader, http, () => {});
        consumer.start();
        expect(consumer.sync()).rejects.toThrow(refusal("open"));
        await reader.start();
        const stopped = reader.stop();
        expect(consumer.sync()).rejects.toThrow(refusal("stopping"));
        await stopped;
        expect(consumer.sync()).rejects.toThrow(refusal("stopped"));
        reader.close();
        expect(consumer.sync()).rejects.toThrow(refusal("closed"));
      },
      LIMIT_MILLIS,
    );

    test(
      "a sync that was asked for before the stop is answered",
      async () => {
        const reader = await startReader();
        const done = reader.sync();
        await reader.stop();
        expect((await done).missingCpus).toEqual([]);
      },
      LIMIT_MILLIS,
    );

    test(
      "closed without a stop, while a stop is under way, and without a start",
      async () => {
        openReader().close();
        (await startReader()).close();
        const reader = await startReader();
        const stopped = reader.stop();
        reader.close();
        await stopped;
      },
      LIMIT_MILLIS,
    );

    test(
      "a sync that is pending when the reader is closed is settled",
      async () => {
        const reader = await startReader();
        const done = reader.sync();
        reader.close();
        expect(await settle(done)).toBe("rejected");
      },
      LIMIT_MILLIS,
    );

    test(
      "two starts at once are one",
      async () => {
        const reader = openReader();
        const starts = await Promise.allSettled([reader.start(), reader.start()]);
        expect(starts.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
      },
      LIMIT_MILLIS,
    );

    // In a process of its own: the freed reader is used.
    test(
      "closed while it starts, it does not run",
      async () => {
        const script = `
          import { Reader } from ${JSON.stringify(join(import.meta.dir, "../../ffi/reader.ts"))};
          const reader = new Reader();
          const started = reader.start();
          reader.close();
          await started.catch(() => {});
          console.log(reader.running);
          process.exit();`;
        const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "ignore" });
        expect(await child.stdout.text()).toBe("false\n");
      },
      LIMIT_MILLIS,
    );

    test(
      "counters that are read after the close are refused or the last ones",
      async () => {
        const reader = await startReader();
        const counters = reader.counters("http");
        reader.close();
        expect([reader.stats().batches, counters.readCpu(0).observed].some(Number.isNaN)).toBe(false);
      },
      LIMIT_MILLIS,
    );
  });

  describe("concurrent syncs", () => {
    test(
      "twenty at once share fewer barriers, all resolve, in order, and ids rise from round to round",
      async () => {
        const reader = await startReader();
        let last = 0;
        for (let round = 0; round < 10; round++) {
          const ids = (await Promise.all(Array.from({ length: 20 }, () => reader.sync()))).map(({ id }) => id);
          expect(ids).toEqual(ids.toSorted((one, other) => one - other));
          expect(ids[0]).toBeGreaterThan(last);
          last = ids.at(-1) as number;
        }
        expect(last).toBeLessThan(200);
        expect(reader.stats().barriers).toBe(last);
      },
      LIMIT_MILLIS,
    );

    test(
      "each call gets a barrier that began after it",
      async () => {
        const reader = await startReader();
        let barriers = 0;
        for (let call = 0; call < 100; call++) {
          const before = reader.stats().barriers as number;
          await reader.sync();
          barriers = reader.stats().barriers as number;
          expect(barriers).toBeGreaterThan(before);
        }
        expect(barriers).toBeGreaterThanOrEqual(100);
      },
      LIMIT_MILLIS,
    );
  });

  describe("a callback that throws", () => {
    const throwing = async () => {
      const reader = openReader();
      const request = serve();
      let calls = 0;
      reader.handle(http.number, () => {
        if (++calls === 1) throw new Error("from the callback");
      });
      await reader.start();
      await request("/reader-test/throws");
      return { reader, request };
    };

    test(
      "does not stop what comes after it",
      async () => {
        const { reader, request } = await throwing();
        await request("/reader-test/after");
        // The reader's thread has run the barrier; only JavaScript does not look.
        expect(await settle(reader.sync(), () => (reader.stats().barriers as number) > 0)).toBe("fulfilled");
      },
      LIMIT_MILLIS,
    );
  });

  describe("options that cannot work", () => {
    const wrong: [string, Partial<ReaderOptions>, RegExp][] = [
      ["a ring of three pages", { ringBytes: 3 * 4096 }, /^ringBytes: expected a power of two from .*, got 12288$/],
      ["a ring smaller than a page", { ringBytes: 100 }, /^ringBytes: expected a power of two from 4096 /],
      ["no connections", { connectionsMax: 0 }, /^connectionsMax: expected an integer from 1 /],
      [
        "an object that is not there",
        { objectPaths: ["no-such.bpf.o"] },
        /^cannot open the eBPF object: .*no-such\.bpf\.o/,
      ],
      [
        "a shared ring that is no power of two",
        { sharedRingBytes: 3 << 20 },
        /^sharedRingBytes: expected a power of two /,
      ],
      ["a shared ring smaller than two batches", { sharedRingBytes: 4096 }, /^cannot make the rings/],
    ];
    for (const [name, options, message] of wrong) {
      test(`${name}: one line says what`, () => {
        const error = errorOf(() => openReader(options));
        expect(error).toBeInstanceOf(CaptureError);
        expect((error as Error).message).toMatch(message);
        expect((error as Error).message).not.toContain("\n");
      });
    }

    const silent: [string, Partial<ReaderOptions>, RegExp][] = [
      ["a ring of a page and a bit", { ringBytes: 4196 }, /ring/],
      ["no watermark", { watermarkBytes: 0 }, /watermark/],
      ["no time between kicks", { kickMillis: 0 }, /kick/],
      ["a shared ring that is no power of two", { sharedRingBytes: 3 << 20 }, /^sharedRingBytes/],
      ["a negative size", { ringBytes: -1 }, /ring/],
    ];
    for (const [name, options, message] of silent) {
      test(`${name}: an error names the setting`, () => {
        const error = errorOf(() => openReader(options));
        expect(error).toBeInstanceOf(CaptureError);
        expect((error as Error).message).toMatch(message);
      });
    }
  });
});
