import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The declarations, as somebody else's program sees them. */

const ROOT = new URL("../../..", import.meta.url).pathname;
const TSC = join(ROOT, "node_modules", ".bin", "tsc");

const PROGRAM = `
import { type Connection, ConnectError, connect, type HttpEvent } from "kernelcast/client";
import { tapHost } from "kernelcast/testing";

const traffic = connect({ filter: { status: "5xx", path: ["/a/*", "!/a/b"] }, onGap: ({ dropped }) => dropped + 1 });
for await (const event of traffic) event.path.length + event.status;
export const same: Connection<HttpEvent> = traffic;
for await (const { bytesSent, role } of connect({ filter: { protocol: "tcp" } })) role.length + bytesSent;
for await (const event of connect()) if (event.protocol === "http") event.path; else event.role;
try { await traffic.opened } catch (error) { if (error instanceof ConnectError) error.code }

await using tap = await tapHost({ filter: { port: 8080 } });
tap.requests({ path: /^\\/a/, status: (status) => status > 200, server: { port: 80 } })[0]?.userAgent;

// @ts-expect-error
connect({ filter: { stauts: 500 } });
// @ts-expect-error
connect({ policy: "drop" });
// @ts-expect-error
tap.requests({ paht: "/a" });
// @ts-expect-error
for await (const event of connect()) event.path;
`;

const folder = mkdtempSync(join(tmpdir(), "kernelcast-types-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
])("a program with module %s, resolution %s and none of our settings compiles", (module, moduleResolution) => {
  mkdirSync(join(folder, moduleResolution, "node_modules"), { recursive: true });
  const file = (name: string) => join(folder, moduleResolution, name);
  symlinkSync(ROOT, file("node_modules/kernelcast"));
  writeFileSync(file("package.json"), '{"type":"module"}');
  writeFileSync(file("program.ts"), PROGRAM);
  const compilerOptions = { strict: true, noEmit: true, types: [], lib: ["esnext", "dom"], module, moduleResolution };
  writeFileSync(file("tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
  const { stdout, exitCode } = Bun.spawnSync([TSC, "-p", file("tsconfig.json")]);
  expect([stdout.toString(), exitCode]).toEqual(["", 0]);
});
