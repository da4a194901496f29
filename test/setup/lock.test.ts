import { expect, test } from "bun:test";
import { join } from "node:path";
import { withLock } from "../../server/setup/lock.mjs";
import { temporaryFolder } from "./support/folder.ts";

const LOCK = join(import.meta.dir, "../../server/setup/lock.mjs");

test("two at once go one after the other, and the second is told that it waits", async () => {
  const folder = temporaryFolder();
  const steps: string[] = [];
  const work = (name: string) => async () => {
    steps.push(`${name} begins`);
    await Bun.sleep(60);
    steps.push(`${name} ends`);
  };
  let waits = 0;
  const onWait = () => {
    waits++;
  };
  await Promise.all([
    withLock(folder, work("a"), { onWait, patienceMs: 20 }),
    withLock(folder, work("b"), { onWait, patienceMs: 20 }),
  ]);
  expect(steps).toHaveLength(4);
  expect(steps[1]).toBe(steps[0]?.replace("begins", "ends") ?? "");
  expect(waits).toBeGreaterThanOrEqual(1);
});

test("a failure gives the lock back", async () => {
  const folder = temporaryFolder();
  const failing = withLock(folder, async () => {
    throw new Error("no disk");
  });
  await expect(failing).rejects.toThrow("no disk");
  expect(await withLock(folder, async () => "next")).toBe("next");
});

test("a killed holder gives the lock back", async () => {
  const folder = temporaryFolder();
  const code = `import { withLock } from ${JSON.stringify(LOCK)};
    await withLock(${JSON.stringify(folder)}, async () => { console.log("held"); await new Promise(() => setInterval(() => {}, 1000)); });`;
  const holder = Bun.spawn(["node", "--input-type=module", "-e", code], { stdout: "pipe" });
  const { value } = await holder.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("held\n");
  holder.kill("SIGKILL");
  expect(await withLock(folder, async () => "next")).toBe("next");
});
