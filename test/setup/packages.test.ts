import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { installPackages, missingPackages } from "../../server/setup/packages.mjs";
import { keepQuiet, place, temporaryFolder } from "./support/folder.ts";

keepQuiet();

const TOOL = "#!/bin/sh\n";

/** A machine: its tools in bin/, its files below it. */
function machine(tools: string[], files: string[]) {
  const root = temporaryFolder();
  place(root, Object.fromEntries(tools.map((name) => [`bin/${name}`, TOOL])));
  place(root, Object.fromEntries(files.map((name) => [name, ""])));
  return { root, path: join(root, "bin") };
}

const HEADERS = ["usr/include/bpf/libbpf.h", "usr/include/stdio.h", "usr/include/linux/bpf.h"];

describe("what is missing", () => {
  test("everything, on an empty machine", () => {
    const names = missingPackages(machine([], []));
    expect(names).toEqual(["clang", "llvm", "make", "libbpf-dev", "libc6-dev", "linux-libc-dev"]);
  });

  test("nothing, where every tool and header is there, however it came", () => {
    expect(missingPackages(machine(["clang", "llvm-strip", "make"], HEADERS))).toEqual([]);
  });

  test("for the tests, their tools and the sanitizers of whatever version of clang", () => {
    const before = machine(["clang", "llvm-strip", "make"], HEADERS);
    expect(missingPackages({ ...before, tests: true })).toContain("libclang-rt-dev");
    place(before.root, { "usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.asan-x86_64.a": "" });
    const names = missingPackages({ ...before, tests: true });
    expect(names).toEqual([
      ...["apache2-bin", "apache2-utils", "bpftool", "chromium", "clang-format", "curl", "git", "haproxy", "iproute2"],
      ...["nftables", "nghttp2-client", "nginx", "openssl", "procps", "python3", "tcpdump", "wrk"],
    ]);
  });
});

describe("installing", () => {
  test("without root, is one line to run", async () => {
    const { path } = machine(["apt-get"], []);
    const attempt = installPackages(["clang", "make"], { uid: 1000, path });
    await expect(attempt).rejects.toMatchObject({ exitCode: 2 });
    await expect(attempt).rejects.toThrow(
      /sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends clang make'/,
    );
  });

  test("without apt, names what is missing", async () => {
    const { path } = machine([], []);
    await expect(installPackages(["clang"], { uid: 0, path })).rejects.toThrow(/Debian packages.*: clang/);
  });

  test("as root, asks apt for exactly these, while no service may start, and leaves no policy behind", async () => {
    const root = temporaryFolder();
    const policyFile = join(root, "policy-rc.d");
    place(root, {
      "bin/apt-get": `#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >> ${root}/log
${policyFile}; echo "policy $?" >> ${root}/log
`,
      "bin/update-rc.d": `#!/bin/sh\necho "update-rc.d $*" >> ${root}/log\n`,
    });
    const path = `${join(root, "bin")}:/usr/bin:/bin`;
    await installPackages(["haproxy", "nginx", "wrk"], { uid: 0, path, policyFile });
    expect(readFileSync(join(root, "log"), "utf8").trim().split("\n")).toEqual([
      "noninteractive -qq -o DPkg::Lock::Timeout=300 update",
      "policy 101",
      "noninteractive -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends haproxy nginx wrk",
      "policy 101",
      "update-rc.d haproxy disable",
      "update-rc.d nginx disable",
    ]);
    expect(existsSync(policyFile)).toBe(false);
  });

  test("leaves a policy that the machine already has", async () => {
    const root = temporaryFolder();
    place(root, { "bin/apt-get": TOOL, "policy-rc.d": "#!/bin/sh\nexit 0\n" });
    const policyFile = join(root, "policy-rc.d");
    await installPackages(["wrk"], { uid: 0, path: `${join(root, "bin")}:/usr/bin:/bin`, policyFile });
    expect(readFileSync(policyFile, "utf8")).toBe("#!/bin/sh\nexit 0\n");
  });

  test("says what apt said when it failed", async () => {
    const root = temporaryFolder();
    place(root, { "bin/apt-get": "#!/bin/sh\necho 'E: Unable to locate package wrk' >&2; exit 100\n" });
    const options = { uid: 0, path: `${join(root, "bin")}:/usr/bin:/bin`, policyFile: join(root, "policy-rc.d") };
    await expect(installPackages(["wrk"], options)).rejects.toThrow(/could not be installed: wrk\n.*Unable to locate/);
  });
});
