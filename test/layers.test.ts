import { describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** Holds every import and include against the table of who may import whom; the architecture is this test. */

const ROOT = join(import.meta.dir, "..");

const TOP_FOLDERS = ["bpf", "ffi", "otel", "server", "test"];
const TOP_FILES = ["LICENSE", "README.md", "bun.lock", "bunfig.toml", "compose.yaml", "package.json", "tsconfig.json"];
/** Each is here because its tool reads it from nowhere else. */
const TOP_DOTFILES = [".biome.json", ".ci", ".clang-format", ".dockerignore", ".gitattributes", ".gitignore", ".npmrc"];

interface Import {
  file: string;
  /** A path in the repository, or the name of a package. */
  target: string;
  typeOnly: boolean;
}

interface Rule {
  who: (file: string) => boolean;
  may: (one: Import) => boolean;
  says: string;
}

const within = (folder: string) => (path: string) => path.startsWith(`${folder}/`);
const isPackage = (target: string) =>
  !TOP_FOLDERS.some((folder) => within(folder)(target)) && target !== "package.json";
const isEventType = ({ target, typeOnly }: Import) =>
  (target === "ffi/event.ts" || target === "ffi/observed.ts") && typeOnly;

/** The first rule whose `who` fits a file is the one that binds it. */
const RULES: Rule[] = [
  {
    who: within("server/setup"),
    may: ({ target }) => target.startsWith("node:") || within("server/setup")(target),
    says: "server/setup/ runs before anything is installed: only Node and itself",
  },
  {
    who: (file) => file === "ffi/symbols.ts",
    may: ({ target }) => isPackage(target) || within("ffi")(target),
    says: "ffi/ imports packages and itself",
  },
  {
    who: within("ffi"),
    may: ({ target }) => (isPackage(target) && target !== "bun:ffi") || within("ffi")(target),
    says: "ffi/ imports packages and itself, and only ffi/symbols.ts imports bun:ffi",
  },
  {
    who: within("otel"),
    may: (one) => (isPackage(one.target) && one.target !== "bun:ffi") || within("otel")(one.target) || isEventType(one),
    says: "otel/ imports packages, itself, and types from ffi/event.ts",
  },
  {
    who: (file) => file === "server/index.ts",
    may: ({ target }) => !within("test")(target) && target !== "bun:ffi",
    says: "server/index.ts puts the parts together",
  },
  {
    who: (file) => file === "server/doctor.ts" || file === "server/open-capture.ts",
    may: ({ target }) =>
      (isPackage(target) && target !== "bun:ffi") || within("server")(target) || within("ffi")(target),
    says: "server/doctor.ts and server/open-capture.ts import packages, server/ and ffi/",
  },
  {
    who: within("server"),
    may: (one) =>
      (isPackage(one.target) && one.target !== "bun:ffi") ||
      one.target === "package.json" ||
      within("server")(one.target) ||
      isEventType(one),
    says: "server/ imports packages, itself, and types from ffi/event.ts",
  },
  { who: within("test"), may: ({ target }) => target !== "bun:ffi", says: "test/ imports anything but bun:ffi" },
];

/** What BPF code may include besides libbpf's headers, the kernel's uapi headers and its own folder. */
const COMPILER_HEADERS = ["stdbool.h", "stddef.h", "stdint.h"];
/** platform.bpf.h also lets the same code run in user space, for its tests. */
const HOSTED_HEADERS: Record<string, string[]> = { "bpf/platform.bpf.h": ["endian.h", "string.h"] };

const LARGEST_SOURCE_BYTES = 40_000;
const LARGEST_FILE_BYTES = 1_000_000;

const files = trackedFiles();
const scripts = files.filter((file) => /\.(ts|mts|js|mjs)$/.test(file));
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

describe("layers", () => {
  test("every import goes the way that the design allows", () => {
    const offences = scripts.flatMap(importsOf).flatMap((one) => {
      const rule = RULES.find(({ who }) => who(one.file));
      if (rule?.may(one)) return [];
      return [`${one.file} imports ${one.typeOnly ? "types from " : ""}${one.target}: ${rule?.says ?? "no rule"}`];
    });
    expect(offences).toEqual([]);
  });

  test("the table is not idle: it refuses what it should", () => {
    const refused: Import[] = [
      { file: "otel/span.ts", target: "server/hub.ts", typeOnly: true },
      { file: "otel/span.ts", target: "ffi/event.ts", typeOnly: false },
      { file: "server/hub.ts", target: "ffi/reader.ts", typeOnly: true },
      { file: "server/hub.ts", target: "otel/span.ts", typeOnly: true },
      { file: "ffi/reader.ts", target: "server/hub.ts", typeOnly: true },
      { file: "server/index.ts", target: "bun:ffi", typeOnly: false },
      { file: "server/setup/bun.mjs", target: "zod", typeOnly: false },
    ];
    for (const one of refused) expect(RULES.find(({ who }) => who(one.file))?.may(one)).toBe(false);
  });

  test("imports are read in every form", () => {
    const source = `
      import "./a.ts"; import type { B } from "./b.ts"; import { type C, type D } from "./c.ts";
      import e, { type F } from "pkg/e"; export * from "./g.ts"; export type { H } from "./h.ts";
      const { i } = await import("./i.ts"); type J = import("./j.ts").J;
      // import "./comment.ts"`;
    const found = scan("server/x.ts", source).map(({ target, typeOnly }) => (typeOnly ? `type ${target}` : target));
    expect(found.toSorted()).toEqual([
      "pkg/e",
      "server/a.ts",
      "server/g.ts",
      "server/i.ts",
      "type server/b.ts",
      "type server/c.ts",
      "type server/h.ts",
      "type server/j.ts",
    ]);
  });

  test("BPF code includes only its own folder, the kernel's uapi headers and libbpf's", () => {
    const offences = files.filter(within("bpf")).flatMap((file) => {
      const allowed = [...COMPILER_HEADERS, ...(HOSTED_HEADERS[file] ?? [])];
      return [...read(file).matchAll(/^\s*#\s*include\s*([<"])([^>"]+)/gm)].flatMap(([, kind, name = ""]) => {
        const fine =
          kind === '"' ? files.includes(`bpf/${name}`) : /^(linux|bpf)\//.test(name) || allowed.includes(name);
        return fine ? [] : [`${file} includes ${name}`];
      });
    });
    expect(offences).toEqual([]);
  });

  test("every BPF source carries the license that the kernel asks for", () => {
    const sources = files.filter((file) => within("bpf")(file) && /\.[ch]$/.test(file));
    const bare = sources.filter((file) => !read(file).includes("SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0"));
    expect(bare).toEqual([]);
  });
});

describe("tidiness", () => {
  test("nothing else is at the top", () => {
    const top = [...new Set(files.map((file) => file.split("/")[0] ?? ""))];
    const allowed = [...TOP_FOLDERS, ...TOP_FILES, ...TOP_DOTFILES];
    expect(top.filter((name) => !allowed.includes(name))).toEqual([]);
  });

  test("no file names a place on somebody's machine or a registry's host", () => {
    const place = /\/(work|home|root|Users)\/[\w.-]+\/|https?:\/\/[\w.-]*(registry|artifact)[\w.-]*/;
    const offences = files
      .filter((file) => file !== "test/layers.test.ts")
      .flatMap((file) => {
        const found = read(file).match(place);
        return found ? [`${file}: ${found[0]}`] : [];
      });
    expect(offences).toEqual([]);
  });

  test("source files stay small enough to read, and nothing large is tracked", () => {
    const large = files
      .map((file) => ({ file, bytes: statSync(join(ROOT, file)).size }))
      .filter(
        ({ file, bytes }) => bytes > (/\.(ts|mjs|js|c|h)$/.test(file) ? LARGEST_SOURCE_BYTES : LARGEST_FILE_BYTES),
      )
      .filter(({ file }) => !file.includes(".generated."));
    expect(large).toEqual([]);
  });
});

/** What git knows or would add; an archive without git has everything but what is ignored anyway. */
function trackedFiles(): string[] {
  const { stdout, exitCode, stderr } = Bun.spawnSync(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    {
      cwd: ROOT,
    },
  );
  if (exitCode !== 0) throw new Error(`git ls-files failed in ${ROOT}: ${stderr}`);
  return stdout
    .toString()
    .trim()
    .split("\n")
    .filter((file) => statSync(join(ROOT, file), { throwIfNoEntry: false })?.isFile());
}

function importsOf(file: string): Import[] {
  return scan(file, read(file));
}

function scan(file: string, source: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const from = [...code.matchAll(/\b(?:import|export)\s+(type\s)?([\w*\s{},]*?)\s*from\s*["']([^"']+)["']/g)].map(
    ([, type, names = "", path = ""]) => ({ path, typeOnly: type !== undefined || allTypes(names) }),
  );
  const bare = [...code.matchAll(/\bimport\s*["']([^"']+)["']/g)].map(([, path = ""]) => ({ path, typeOnly: false }));
  const called = [...code.matchAll(/(=\s*|:\s*|<\s*)?\bimport\(\s*["']([^"']+)["']\s*\)(\.\w)?/g)].map(
    ([, before, path = "", member]) => ({ path, typeOnly: before !== undefined && member !== undefined }),
  );
  return [...from, ...bare, ...called].map(({ path, typeOnly }) => ({
    file,
    target: path.startsWith(".") ? normalize(join(dirname(file), path)) : path,
    typeOnly,
  }));
}

/** `{ type A, type B }` */
function allTypes(names: string): boolean {
  const inner = names.trim().match(/^\{([\s\S]*)\}$/)?.[1];
  const parts =
    inner
      ?.split(",")
      .map((part) => part.trim())
      .filter(Boolean) ?? [];
  return parts.length > 0 && parts.every((part) => part.startsWith("type "));
}
