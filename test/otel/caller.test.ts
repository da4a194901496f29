import { expect, test } from "bun:test";
import { Caller } from "../../otel/caller.ts";
import { parseTraceparent } from "../../otel/traceparent.ts";
import { Random } from "../ffi/support/random.ts";
import { httpEvent } from "./support/events.ts";
import { rawBatch } from "./support/raw.ts";

const VALID = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

function read(traceparent: string) {
  const caller = new Caller();
  caller.read(rawBatch([httpEvent({ traceparent })]).at(0));
  if (!caller.isKnown) return undefined;
  return { traceId: caller.traceId, spanId: caller.spanIdBytes.toString("hex"), traceFlags: caller.traceFlags };
}

test("one object reads one event after another", () => {
  const caller = new Caller();
  const batch = rawBatch([
    httpEvent({ traceparent: VALID }),
    httpEvent(),
    httpEvent({ traceparent: VALID.replace("00f0", "11f0").replace(/01$/, "fe") }),
  ]);
  caller.read(batch.at(0));
  expect([caller.isKnown, caller.traceId, caller.traceFlags]).toEqual([true, VALID.slice(3, 35), 1]);
  caller.read(batch.at(1));
  expect(caller.isKnown).toBe(false);
  caller.read(batch.at(2));
  expect([caller.isKnown, caller.spanIdBytes.toString("hex"), caller.traceFlags]).toEqual([
    true,
    "11f067aa0ba902b7",
    0xfe,
  ]);
});

test("with any one character changed, left out or doubled, the bytes say what the text says", () => {
  const replacements = ["0", "9", "a", "f", "g", "A", "F", "-", "_", "/", ":", "`", " ", "\u00e9", "\0"];
  for (let at = 0; at < VALID.length; at++) {
    const [before, here, after] = [VALID.slice(0, at), VALID.slice(at, at + 1), VALID.slice(at + 1)];
    for (const changed of [
      ...replacements.map((one) => before + one + after),
      before + after,
      before + here + here + after,
    ]) {
      expect({ changed, caller: read(changed) }).toEqual({ changed, caller: parseTraceparent(changed) });
    }
  }
});

test("of random headers, too", () => {
  const random = new Random(7);
  const digits = "0123456789abcdef0123456789abcdefg-A";
  const hex = (length: number) =>
    Array.from({ length }, () => digits[random.below(random.below(40) === 0 ? digits.length : 16)]).join("");
  for (let i = 0; i < 5000; i++) {
    const version = random.below(3) === 0 ? hex(2) : "00";
    const header = `${version}-${hex(32)}-${hex(16)}-${hex(2)}`;
    expect({ header, caller: read(header) }).toEqual({ header, caller: parseTraceparent(header) });
  }
});
