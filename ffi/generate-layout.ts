/**
 * Makes `layout.generated.ts` from the BTF of `bpf/layout.bpf.c` and `ffi/layout.c`: sizes, offsets and enum values of
 * everything that crosses from C. Needs bpftool; the result is committed, and `--check` fails when it is stale.
 * @module
 */
import { spawnSync } from "node:child_process";

interface BtfType {
  id: number;
  kind: string;
  name: string;
  size?: number;
  members?: { name: string; type_id: number; bits_offset: number; bitfield_size?: number }[];
  values?: { name: string; val: number }[];
}

const HEADER = `// Generated from BTF by ffi/generate-layout.ts; do not edit. Source: bpf/events.h, ffi/reader.h.
// A struct is { SIZE, member: byte offset }; an enum is { NAME: value }.
`;
const OBJECTS = ["../bpf/.output/layout.bpf.o", ".output/layout.o"];

export function generateLayout(): string {
  return HEADER + OBJECTS.map((path) => emit(readBtf(new URL(path, import.meta.url).pathname))).join("");
}

function readBtf(path: string): BtfType[] {
  const { status, stdout, stderr, error } = spawnSync("bpftool", ["-j", "btf", "dump", "file", path, "format", "raw"]);
  if (status !== 0) throw new Error(`bpftool cannot read the BTF of ${path}: ${error?.message ?? stderr}`);
  return JSON.parse(stdout.toString()).types;
}

function emit(types: BtfType[]): string {
  const named = types.filter(({ name }) => name !== "(anon)");
  const structs = named.filter(({ kind }) => kind === "STRUCT").map(emitStruct);
  const enums = named.filter(({ kind }) => kind === "ENUM").map(emitEnum);
  return [...enums, ...structs].join("");
}

function emitStruct({ name, size, members }: BtfType): string {
  const lines = (members ?? []).map((member) => {
    if (member.bitfield_size) throw new Error(`struct ${name}: ${member.name} is a bit-field, which is not supported`);
    return `  ${member.name}: ${member.bits_offset / 8},\n`;
  });
  return `\nexport const ${name} = {\n  SIZE: ${size},\n${lines.join("")}} as const;\n`;
}

function emitEnum({ name, values }: BtfType): string {
  return `\nexport const ${name} = {\n${(values ?? []).map((v) => `  ${v.name}: ${v.val},\n`).join("")}} as const;\n`;
}

if (import.meta.main) {
  const target = Bun.file(new URL("layout.generated.ts", import.meta.url));
  const fresh = generateLayout();
  if (!process.argv.includes("--check")) await Bun.write(target, fresh);
  else if ((await target.text()) !== fresh) {
    console.error("ffi/layout.generated.ts is stale: run `bun ffi/generate-layout.ts`");
    process.exit(1);
  }
}
