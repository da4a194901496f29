import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { generateLayout } from "../../ffi/generate-layout.ts";
import * as layout from "../../ffi/layout.generated.ts";

const ROOT = join(import.meta.dir, "..", "..");

test("ffi/layout.generated.ts is what the C headers say now", async () => {
  if (!Bun.which("bpftool"))
    throw new Error("bpftool is not installed: `npm test` installs it, or `apt-get install bpftool`");
  for (const object of ["bpf/.output/layout.bpf.o", "ffi/.output/layout.o"]) {
    if (!existsSync(join(ROOT, object)))
      throw new Error(`${object} is not built: run \`make -C ${object.split("/")[0]}\``);
  }
  const committed = await Bun.file(join(ROOT, "ffi/layout.generated.ts")).text();
  expect(generateLayout()).toBe(committed);
});

test("every field that is read wide lies where it may be read", () => {
  // A batch lies at a multiple of 8, and its events behind its head; so their size must keep them there.
  expect(layout.batch.SIZE % 8).toBe(0);
  expect(layout.record.SIZE % 8).toBe(0);
  for (const event of [layout.http_event, layout.tcp_event]) expect(event.SIZE % 8).toBe(0);
  for (const text of ["method", "traceparent", "host", "user_agent", "target"] as const) {
    expect(layout.http_event[text] % 4).toBe(0);
  }
});
