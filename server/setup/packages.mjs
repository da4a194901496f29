import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { capture, findCommand, lastLines, toolPath } from "./command.mjs";
import { SetupError, say } from "./setup-error.mjs";

/**
 * A system package and what shows that its content is there. The content is looked for, not the package: this takes
 * microseconds, and accepts a tool that came another way or has another name on another distribution. A segment of
 * `file` may hold one `*`.
 *
 * @typedef {{ name: string, command: string } | { name: string, file: string }} Package
 */

/** @type {Package[]} what building and running need; libbpf-dev brings libbpf, libelf and zlib */
const TO_RUN = [
  { name: "clang", command: "clang" },
  { name: "llvm", command: "llvm-strip" },
  { name: "make", command: "make" },
  { name: "libbpf-dev", file: "/usr/include/bpf/libbpf.h" },
  { name: "libc6-dev", file: "/usr/include/stdio.h" },
  { name: "linux-libc-dev", file: "/usr/include/linux/bpf.h" },
];

/** @type {Package[]} what the tests need besides; libclang-rt-dev holds the sanitizers of the C tests */
const TO_TEST = [
  { name: "apache2-bin", command: "apache2" },
  { name: "apache2-utils", command: "ab" },
  { name: "bpftool", command: "bpftool" },
  { name: "chromium", command: "chromium" },
  { name: "clang-format", command: "clang-format" },
  { name: "curl", command: "curl" },
  { name: "git", command: "git" },
  { name: "haproxy", command: "haproxy" },
  { name: "iproute2", command: "ip" },
  { name: "libclang-rt-dev", file: "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-*.a" },
  { name: "nftables", command: "nft" },
  { name: "nghttp2-client", command: "h2load" },
  { name: "nginx", command: "nginx" },
  { name: "openssl", command: "openssl" },
  { name: "procps", command: "sysctl" },
  { name: "python3", command: "python3" },
  { name: "tcpdump", command: "tcpdump" },
  { name: "wrk", command: "wrk" },
];

/** The tests run their own; the packages would have one start at the next boot. */
const SERVICES = ["haproxy", "nginx"];

const POLICY_FILE = "/usr/sbin/policy-rc.d";
const POLICY = `#!/bin/sh
# Written by kernelcast while it installs packages, so that none starts its service. Safe to delete.
exit 101
`;

/**
 * @param {{ tests?: boolean, path?: string, root?: string }} [options] `path` and `root`: where commands and files are looked for
 * @returns {string[]} the names of the packages that are not there
 */
export function missingPackages({ tests = false, path = toolPath(), root = "/" } = {}) {
  const wanted = tests ? [...TO_RUN, ...TO_TEST] : TO_RUN;
  return wanted
    .filter((one) => ("command" in one ? !findCommand(one.command, path) : !matches(root, one.file)))
    .map((one) => one.name);
}

/** @param {string} root @param {string} pattern @returns {boolean} whether a file of this pattern exists */
function matches(root, pattern) {
  let found = [root];
  for (const segment of pattern.split("/").filter(Boolean)) {
    const [start = "", end] = segment.split("*");
    found = found.flatMap((folder) => {
      if (end === undefined) return [join(folder, segment)].filter((path) => existsSync(path));
      const names = existsSync(folder) ? readdirSync(folder) : [];
      return names.filter((name) => name.startsWith(start) && name.endsWith(end)).map((name) => join(folder, name));
    });
  }
  return found.length > 0;
}

/**
 * Installs packages through apt, as root; otherwise fails with the one line to run.
 *
 * @param {string[]} names
 * @param {{ uid?: number, path?: string, policyFile?: string }} [options]
 */
export async function installPackages(
  names,
  { uid = process.getuid?.() ?? -1, path = toolPath(), policyFile = POLICY_FILE } = {},
) {
  const list = names.join(" ");
  const install = `apt-get install -y --no-install-recommends ${list}`;
  if (!findCommand("apt-get", path)) {
    throw new SetupError(
      `this machine lacks what the following Debian packages hold, and has no apt-get to install them: ${list}\n` +
        "Install them under the names that this distribution gives them, then run the same command again.",
    );
  }
  if (uid !== 0) {
    throw new SetupError(
      `these system packages are missing: ${list}\n` +
        `Install them with this line, then run the same command again:\n\n  sudo sh -c 'apt-get update && ${install}'\n`,
    );
  }
  say(`installing system packages: ${list}`);
  const env = { DEBIAN_FRONTEND: "noninteractive", PATH: path };
  const wait = ["-qq", "-o", "DPkg::Lock::Timeout=300"];
  const allowServices = holdServices(policyFile);
  try {
    const update = await capture("apt-get", [...wait, "update"], { env });
    const result = await capture("apt-get", [...wait, "install", "-y", "--no-install-recommends", ...names], { env });
    if (result.code !== 0) {
      const output = update.code === 0 ? result.output : update.output + result.output;
      throw new SetupError(`system packages could not be installed: ${list}\n${lastLines(output)}`);
    }
    for (const service of SERVICES.filter((name) => names.includes(name)))
      await capture("update-rc.d", [service, "disable"], { env });
  } finally {
    allowServices();
  }
}

/**
 * Forbids packages to start their services while they are installed, by Debian's own means, unless the machine already
 * has a policy.
 *
 * @param {string} file
 * @returns {() => void} ends it
 */
function holdServices(file) {
  const end = () => {
    process.removeListener("exit", end);
    if (existsSync(file) && readFileSync(file, "utf8") === POLICY) rmSync(file, { force: true });
  };
  if (!existsSync(file)) writeFileSync(file, POLICY, { mode: 0o755 });
  process.on("exit", end);
  return end;
}
