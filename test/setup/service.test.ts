import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { place, temporaryFolder } from "./support/folder.ts";

const SERVICE = join(import.meta.dir, "../../server/setup/service.mjs");

/** Says its arguments, then each signal that it gets; ends 300 ms after the first one, as an ordered shutdown would. */
const SERVICE_STUB = `
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => { console.log(name); setTimeout(() => process.exit(7), 300); });
  setInterval(() => {}, 1000);
  console.log("pid", process.pid, ...process.argv.slice(2));
`;

/** A launcher, as its own process, and the lines that the service behind it prints. */
async function launch(stub: string, args: string[] = []) {
  const folder = temporaryFolder();
  place(folder, {
    "stub.mjs": stub,
    "launch.mjs": `import { runService } from ${JSON.stringify(SERVICE)};
      process.exitCode = await runService(process.execPath, [${JSON.stringify(join(folder, "stub.mjs"))}, ...process.argv.slice(2)]);`,
  });
  const launcher = Bun.spawn(["node", join(folder, "launch.mjs"), ...args], { stdout: "pipe", stderr: "inherit" });
  const lines = readLines(launcher.stdout);
  const first = (await lines.next()).value ?? "";
  return { launcher, first, lines, servicePid: Number(first.split(" ")[1]) };
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

async function rest(lines: AsyncGenerator<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

/** A process that nobody has collected yet is not alive. */
const isAlive = (pid: number) => {
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
  return stat !== "" && !stat.includes(") Z ");
};

test("arguments and the exit code pass through", async () => {
  const { launcher, first } = await launch("console.log('pid', 0, ...process.argv.slice(2)); process.exitCode = 5;", [
    "tail",
    "a b",
    "--x=",
  ]);
  expect(first).toBe("pid 0 tail a b --x=");
  expect(await launcher.exited).toBe(5);
});

test("SIGINT that comes twice at once reaches the service once, and its shutdown is awaited", async () => {
  const { launcher, lines } = await launch(SERVICE_STUB);
  launcher.kill("SIGINT");
  await Bun.sleep(20);
  launcher.kill("SIGINT");
  expect(await launcher.exited).toBe(7);
  expect(await rest(lines)).toEqual(["SIGINT"]);
});

test("SIGTERM, and the SIGHUP of a closed terminal, are an ordered shutdown", async () => {
  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    const { launcher, lines } = await launch(SERVICE_STUB);
    launcher.kill(signal);
    expect(await launcher.exited).toBe(7);
    expect(await rest(lines)).toEqual(["SIGTERM"]);
  }
});

test("the service leads its own session, where a terminal's Ctrl-C does not reach it a second time", async () => {
  const { launcher, servicePid } = await launch(SERVICE_STUB);
  const session = (pid: number) =>
    Bun.file(`/proc/${pid}/stat`)
      .text()
      .then((stat) => stat.split(") ")[1]?.split(" ")[3]);
  expect(await session(servicePid)).toBe(String(servicePid));
  launcher.kill("SIGTERM");
  await launcher.exited;
});

test("a killed launcher leaves no service behind", async () => {
  const { launcher, servicePid } = await launch(SERVICE_STUB);
  launcher.kill("SIGKILL");
  await launcher.exited;
  for (let left = 100; left > 0 && isAlive(servicePid); left--) await Bun.sleep(50);
  expect(isAlive(servicePid)).toBe(false);
});

test("a service ended by a signal is reported as such", async () => {
  const { launcher, servicePid } = await launch(SERVICE_STUB);
  process.kill(servicePid, "SIGKILL");
  await launcher.exited;
  expect(launcher.signalCode).toBe("SIGKILL");
});
