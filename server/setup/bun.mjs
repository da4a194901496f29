import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capture, lastLines } from "./command.mjs";
import { SetupError, say } from "./setup-error.mjs";

/** npm's own patience lets a person without a network wait more than a minute for the first word. */
const IMPATIENT = { npm_config_fetch_retry_mintimeout: "1000", npm_config_fetch_retry_maxtimeout: "4000" };

const NETWORK_FAILURE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ConnectionRefused|ERR_SOCKET_TIMEOUT)\b/;

/** @param {string} root @returns {string} the one version of Bun that this project runs on */
export function pinnedBunVersion(root) {
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return devDependencies.bun;
}

/**
 * A Bun that really runs and has the pinned version. The `bun` package puts it in place with an install script; where
 * npm blocked that, the binary is still there in the package of its platform.
 *
 * @param {string} folder that holds node_modules
 * @param {string} version
 * @returns {Promise<string | undefined>}
 */
export async function findBun(folder, version) {
  const modules = join(folder, "node_modules");
  const platforms = join(modules, "@oven");
  const candidates = [join(modules, ".bin", "bun")];
  if (existsSync(platforms)) {
    candidates.push(...readdirSync(platforms).map((name) => join(platforms, name, "bin", "bun")));
  }
  for (const bun of candidates) {
    if (!existsSync(bun)) continue;
    const { code, output } = await capture(bun, ["--version"]);
    if (code === 0 && output.trim() === version) return bun;
  }
  return undefined;
}

/** @param {string} root @returns {string} what changes whenever the installed packages may have to change */
export function dependencyStamp(root) {
  const hash = createHash("sha256");
  for (const name of ["package.json", "bun.lock"]) hash.update(readFileSync(join(root, name)));
  return hash.digest("hex");
}

/**
 * Bun and the dependencies exactly as bun.lock has them; nothing is done when they are there already.
 *
 * @param {string} root
 * @returns {Promise<string>} the Bun to run
 */
export async function installDependencies(root) {
  const version = pinnedBunVersion(root);
  const stampFile = join(root, "node_modules", ".kernelcast-stamp");
  const stamp = dependencyStamp(root);
  const present = await findBun(root, version);
  if (present && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return present;

  say(present ? "installing dependencies" : `installing Bun ${version} and dependencies`);
  const frozen = ["install", "--frozen-lockfile"];
  const npm = { cwd: root, env: IMPATIENT };
  if (present) {
    mustSucceed(await capture(present, frozen, { cwd: root }));
  } else {
    const npx = await capture("npx", ["--yes", "--allow-scripts=bun", `bun@${version}`, ...frozen], npm);
    if (npx.code === 127) throw new SetupError(`npx could not be run; install npm.\n${lastLines(npx.output)}`);
    if (NETWORK_FAILURE.test(npx.output)) mustSucceed(npx);
    // Some versions of npm do not let `npx` run the install script that puts Bun in place.
    if (npx.code !== 0)
      await withStandaloneBun(version, async (bun) => mustSucceed(await capture(bun, frozen, { cwd: root })));
  }
  const bun = await findBun(root, version);
  if (!bun) {
    throw new SetupError(
      `Bun ${version} was installed but does not run on this machine (${process.platform} ${process.arch}).\n` +
        "Bun needs Linux on x64 or arm64 with glibc 2.17 or musl; see https://bun.com/docs/installation.",
    );
  }
  writeFileSync(stampFile, stamp);
  return bun;
}

/**
 * Bun from the package of its platform, which needs no install script, in a folder of its own for the time of `work`.
 *
 * @param {string} version
 * @param {(bun: string) => Promise<void>} work
 */
async function withStandaloneBun(version, work) {
  const folder = mkdtempSync(join(tmpdir(), "kernelcast-bun-"));
  try {
    const name = `@oven/bun-linux-${process.arch === "arm64" ? "aarch64" : "x64"}@${version}`;
    mustSucceed(
      await capture("npm", ["install", "--ignore-scripts", "--no-save", "--prefix", folder, name], {
        cwd: folder,
        env: IMPATIENT,
      }),
    );
    const bun = await findBun(folder, version);
    if (!bun) throw new SetupError(`${name} was installed but does not run on this machine.`);
    await work(bun);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {{ code: number, output: string }} result of an installer; a failure becomes a message that says what to do */
function mustSucceed({ code, output }) {
  if (code === 0) return;
  const reason = output.split("\n").find((line) => NETWORK_FAILURE.test(line));
  if (reason) {
    throw new SetupError(
      `dependencies are missing, and the npm registry could not be reached:\n${lastLines(reason)}\n` +
        "Check the network and `npm config get registry`, then run the same command again.",
    );
  }
  if (/lockfile.*frozen/i.test(output)) {
    throw new SetupError(
      "package.json and bun.lock do not agree.\nRun node_modules/.bin/bun install, look at what changed in bun.lock, and commit both.",
    );
  }
  throw new SetupError(`dependencies could not be installed.\n${lastLines(output)}`);
}
