import { describe, expect, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { dependencyStamp, findBun, installDependencies, pinnedBunVersion } from "../../server/setup/bun.mjs";
import { keepQuiet, place, temporaryFolder } from "./support/folder.ts";

keepQuiet();

const bunThatSays = (version: string, install = "exit 0") => `#!/bin/sh
[ "$1" = --version ] && { echo ${version}; exit 0; }
echo "$*" >> "$PWD/asked"
${install}
`;
const MANIFEST = JSON.stringify({ devDependencies: { bun: "1.4.5" } });

function checkout(files: Record<string, string> = {}): string {
  const root = temporaryFolder();
  place(root, { "package.json": MANIFEST, "bun.lock": "{}", ...files });
  return root;
}

const asked = async (root: string) => {
  const file = Bun.file(join(root, "asked"));
  return (await file.exists()) ? (await file.text()).trim().split("\n") : [];
};

describe("which Bun is used", () => {
  test("the version is the one that package.json pins", () => {
    expect(pinnedBunVersion(checkout())).toBe("1.4.5");
  });

  test("the package's own, if it runs and is the pinned version", async () => {
    const root = checkout({ "node_modules/.bin/bun": bunThatSays("1.4.5") });
    expect(await findBun(root, "1.4.5")).toBe(join(root, "node_modules/.bin/bun"));
    expect(await findBun(root, "1.4.6")).toBeUndefined();
  });

  test("the platform's binary, where npm blocked the install script", async () => {
    const root = checkout({
      "node_modules/.bin/bun": "#!/bin/sh\necho 'Bun: postinstall was not run' >&2; exit 1\n",
      "node_modules/@oven/bun-linux-x64/bin/bun": bunThatSays("1.4.5"),
    });
    expect(await findBun(root, "1.4.5")).toBe(join(root, "node_modules/@oven/bun-linux-x64/bin/bun"));
  });
});

describe("dependencies", () => {
  test("are installed frozen, and then not again until package.json or bun.lock changes", async () => {
    const root = checkout({ "node_modules/.bin/bun": bunThatSays("1.4.5") });
    await installDependencies(root);
    await installDependencies(root);
    expect(await asked(root)).toEqual(["install --frozen-lockfile"]);
    const before = dependencyStamp(root);
    appendFileSync(join(root, "bun.lock"), "\n");
    expect(dependencyStamp(root)).not.toBe(before);
    await installDependencies(root);
    expect(await asked(root)).toHaveLength(2);
  });

  test("that failed to install are tried again", async () => {
    const root = checkout({ "node_modules/.bin/bun": bunThatSays("1.4.5", "exit 1") });
    await expect(installDependencies(root)).rejects.toThrow(/could not be installed/);
    await expect(installDependencies(root)).rejects.toThrow(/could not be installed/);
  });

  test.each([
    ["no network", "error: ConnectionRefused downloading package manifest hono", /registry could not be reached/],
    ["a stale lock", "error: lockfile had changes, but lockfile is frozen", /package\.json and bun\.lock do not agree/],
  ])("with %s, the message says so", async (_, says, message) => {
    const root = checkout({ "node_modules/.bin/bun": bunThatSays("1.4.5", `echo '${says}' >&2; exit 1`) });
    const attempt = installDependencies(root);
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toMatchObject({ exitCode: 2 });
  });
});
