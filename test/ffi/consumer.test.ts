import { describe, expect, test } from "bun:test";
import type { EventBatch, RawBatch } from "../../ffi/batch.ts";
import { type BatchSource, Consumer } from "../../ffi/consumer.ts";
import { CaptureError, ExpiredViewError } from "../../ffi/errors.ts";
import type { HttpEventView } from "../../ffi/http-view.ts";
import { http_event as Http } from "../../ffi/layout.generated.ts";
import { http } from "../../ffi/protocol.ts";
import type { BarrierDone, BatchHandler } from "../../ffi/reader.ts";
import { Random } from "./support/random.ts";
import { httpBatch } from "./support/ring.ts";

/**
 * Hands batches on when told to, and expires them as the reader does. Does not prove anything about order, threads or
 * barriers of the real one; test/ffi/reader.test.ts and test/e2e do.
 */
class FakeSource implements BatchSource {
  readonly handlers = new Map<number, BatchHandler>();
  barriers = 0;

  handle(protocol: number, handler: BatchHandler | undefined): void {
    if (handler === undefined) this.handlers.delete(protocol);
    else this.handlers.set(protocol, handler);
  }

  async sync(): Promise<BarrierDone> {
    return { id: ++this.barriers, missingCpus: [] };
  }

  deliver(batch: RawBatch): void {
    this.handlers.get(http.number)?.(batch);
    batch.expire();
  }
}

const setUp = (onEvents: (events: EventBatch<HttpEventView>) => void = () => {}) => {
  const source = new FakeSource();
  const paths: string[] = [];
  const consumer = new Consumer(source, http, (events) => {
    onEvents(events);
    for (const { path } of events) paths.push(path);
  });
  return { source, consumer, paths };
};

const outcomeOf = async (call: () => Promise<unknown>) => {
  try {
    await call();
    return "resolved";
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    return "refused";
  }
};

describe("Consumer", () => {
  test("calls back once for each batch, in order", () => {
    const lengths: number[] = [];
    const { source, consumer, paths } = setUp((events) => lengths.push(events.length));
    consumer.start();
    source.deliver(httpBatch([{ target: "/1" }, { target: "/2" }]));
    source.deliver(httpBatch([{ target: "/3" }]));
    expect(lengths).toEqual([2, 1]);
    expect(paths).toEqual(["/1", "/2", "/3"]);
  });

  test("does not call back before its start nor after its stop", () => {
    const { source, consumer, paths } = setUp();
    source.deliver(httpBatch([{ target: "/early" }]));
    consumer.start();
    source.deliver(httpBatch([{ target: "/1" }]));
    consumer.stop();
    source.deliver(httpBatch([{ target: "/late" }]));
    consumer.start();
    source.deliver(httpBatch([{ target: "/2" }]));
    expect(paths).toEqual(["/1", "/2"]);
  });

  test("start, sync and stop are safe in every order of up to six calls", async () => {
    for (let row = 0; row < 3 ** 6; row++) {
      const { source, consumer, paths } = setUp();
      let started = false;
      let expected = 0;
      for (let call = 0, rest = row; call < 6; call++, rest = Math.floor(rest / 3)) {
        if (rest % 3 === 0) {
          consumer.start();
          started = true;
        } else if (rest % 3 === 1) {
          consumer.stop();
          started = false;
        } else {
          expect(await outcomeOf(() => consumer.sync())).toBe(started ? "resolved" : "refused");
        }
        source.deliver(httpBatch([{ target: "/x" }]));
        expected += started ? 1 : 0;
      }
      expect(paths.length).toBe(expected);
      expect(source.handlers.size).toBe(started ? 1 : 0);
    }
  });

  test("says which consumer is not started", async () => {
    const { consumer } = setUp();
    expect(consumer.sync()).rejects.toThrow("cannot sync: the http consumer is not started");
  });

  test("a stop from within the callback is the last of it", () => {
    const { source, consumer, paths } = setUp(() => consumer.stop());
    consumer.start();
    source.deliver(httpBatch([{ target: "/1" }]));
    source.deliver(httpBatch([{ target: "/2" }]));
    expect(paths).toEqual(["/1"]);
  });

  test("a view or a batch that is kept throws when it is used later", () => {
    const kept: { view: HttpEventView; events: EventBatch<HttpEventView> }[] = [];
    const { source, consumer } = setUp((events) => kept.push({ view: events.at(0), events }));
    consumer.start();
    source.deliver(httpBatch([{ target: "/1" }]));
    expect(() => kept[0]?.view.path).toThrow(ExpiredViewError);
    expect(() => kept[0]?.events.at(0).path).toThrow(ExpiredViewError);
  });

  test.each([0, Http.target, Http.target + 4])("events of %p bytes cannot be ours and are refused", (eventSize) => {
    const { source, consumer } = setUp();
    consumer.start();
    expect(() => source.deliver(httpBatch([{}], { eventSize }))).toThrow(
      `the kernel's http events of ${eventSize} bytes are not those known here: rebuild`,
    );
  });

  test("many batches of every length give each event once", () => {
    const { source, consumer, paths } = setUp();
    const random = new Random(5);
    consumer.start();
    let sent = 0;
    while (sent < 5000) {
      source.deliver(httpBatch(Array.from({ length: 1 + random.below(16) }, () => ({ target: `/${sent++}` }))));
    }
    expect(paths).toEqual(Array.from({ length: sent }, (_, index) => `/${index}`));
  });
});
