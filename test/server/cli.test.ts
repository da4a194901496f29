import { expect, test } from "bun:test";
import manifest from "../../package.json" with { type: "json" };

const CLI = new URL("../../server/cli.ts", import.meta.url).pathname;

const run = async (argv: string[], env: Record<string, string> = {}) => {
  const child = Bun.spawn([process.execPath, CLI, ...argv], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr, exitCode };
};

test("--version prints the version alone", async () => {
  expect(await run(["--version"])).toEqual({ stdout: `${manifest.version}\n`, stderr: "", exitCode: 0 });
});

test("--help lists every command and setting", async () => {
  const { stdout, exitCode } = await run(["serve", "--help"]);
  expect(exitCode).toBe(0);
  for (const word of [
    "serve",
    "doctor",
    "tail",
    "config",
    "--host ADDRESS",
    "--port PORT",
    "--capture-query",
    "(4320)",
  ])
    expect(stdout).toContain(word);
});

test("config prints the effective settings and where each came from", async () => {
  const { stdout, exitCode } = await run(["config", "--port=81"], { KERNELCAST_HOST: "::1" });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^host +::1 +environment KERNELCAST_HOST\nport +81 +flag --port\n/);
});

const mistakes: [string[], Record<string, string>, string][] = [
  [
    ["sreve"],
    {},
    'kernelcast: unknown command "sreve"; did you mean serve? Commands: serve, replay, doctor, tail, config\n',
  ],
  [["sniff"], {}, 'kernelcast: unknown command "sniff". Commands: serve, replay, doctor, tail, config\n'],
  [["replay"], {}, "kernelcast: which file? kernelcast replay FILE, or - to read a pipe\n"],
  [["replay", "a", "b"], {}, 'kernelcast: unexpected argument "b"; settings begin with --\n'],
  [
    ["replay", "a", "--speed", "0"],
    {},
    'kernelcast: --speed: expected max, or by how much faster than it was captured, such as 1 or 0.5, got "0"\n',
  ],
  [["replay", "no-such.pcap", "--json"], {}, "kernelcast: cannot open no-such.pcap: No such file or directory\n"],
  [["serve", "--port", "x"], {}, 'kernelcast: --port: expected an integer from 0 to 65535, got "x"\n'],
  [
    ["config", "--qeue-max=1"],
    { KERNELCAST_PORT: "x" },
    'kernelcast: unknown flag --qeue-max; did you mean --queue-max?\nkernelcast: KERNELCAST_PORT: expected an integer from 0 to 65535, got "x"\n',
  ],
];
test.each(mistakes)("%j with %j is refused with code 2, in a line per mistake", async (argv, env, stderr) => {
  expect(await run(argv, env)).toEqual({ stdout: "", stderr, exitCode: 2 });
});

test("without a command it shows how it is used, with code 2", async () => {
  const { stderr, exitCode } = await run([]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("Usage: kernelcast <command> [settings]");
});
