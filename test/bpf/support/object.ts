/** What a BPF object file asks the kernel for, read from its ELF: the calls of its programs, and where they attach. */
export interface Asked {
  /** Sections that hold programs; their names say the type and the attach point. */
  sections: string[];
  /** Helper numbers, each once. */
  helpers: number[];
  /** What the programs of a section may return, as far as it is a constant right before the end; else undefined. */
  returns: Record<string, (number | undefined)[]>;
  /** Anything else that leaves the object's own code: kernel functions, calls through a register. */
  others: string[];
}

const SHF_EXECINSTR = 4n;
const SHT_SYMTAB = 2;
const INSN_BYTES = 8;
const CALL = 0x85;
const CALL_REGISTER = 0x8d;
const LOAD_IMMEDIATE_64 = 0x18;
const EXIT = 0x95;
const MOVE_32 = 0xb4;
const MOVE_64 = 0xb7;
const OWN_FUNCTIONS = ".text";

interface Section {
  name: string;
  type: number;
  flags: bigint;
  offset: number;
  size: number;
  link: number;
}

export function readObject(file: Uint8Array): Asked {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0, true) !== 0x464c457f || view.getUint8(4) !== 2) throw new Error("not a 64-bit ELF file");
  const sections = readSections(view, file);
  const programs = sections.filter(({ flags, size }) => (flags & SHF_EXECINSTR) !== 0n && size > 0);
  const asked: Asked = {
    sections: programs.map(({ name }) => name).filter((name) => name !== OWN_FUNCTIONS),
    helpers: [],
    returns: {},
    others: undefinedSymbols(sections, view, file).map((name) => `kernel function ${name}`),
  };
  const helpers = new Set<number>();
  for (const { name, offset, size } of programs) {
    asked.returns[name] = returnsOf(view, offset, size);
    for (let at = offset; at < offset + size; at += INSN_BYTES) {
      const code = view.getUint8(at);
      if (code === LOAD_IMMEDIATE_64) at += INSN_BYTES;
      else if (code === CALL_REGISTER) asked.others.push(`call through a register in ${name}`);
      else if (code === CALL) {
        const kind = view.getUint8(at + 1) >> 4;
        const number = view.getInt32(at + 4, true);
        if (kind === 0) helpers.add(number);
        else if (kind !== 1) asked.others.push(`kernel function number ${number} in ${name}`);
      }
    }
  }
  asked.helpers = [...helpers].toSorted((one, other) => one - other);
  return asked;
}

function returnsOf(view: DataView, offset: number, size: number): (number | undefined)[] {
  const ends = new Map<number, number | undefined>();
  const targets = new Set<number>();
  for (let at = offset; at < offset + size; at += INSN_BYTES) {
    const code = view.getUint8(at);
    const isJump = (code & 7) === 5 || (code & 7) === 6;
    if (code === LOAD_IMMEDIATE_64) at += INSN_BYTES;
    else if (code === EXIT) ends.set(at, constantBefore(view, at));
    else if (isJump && code !== CALL) targets.add(at + INSN_BYTES * (1 + view.getInt16(at + 2, true)));
  }
  return [...ends].map(([at, value]) => (targets.has(at) ? undefined : value));
}

/** What the instruction before `at` puts into r0. */
function constantBefore(view: DataView, at: number): number | undefined {
  const before = at - INSN_BYTES;
  const isConstant = [MOVE_32, MOVE_64].includes(view.getUint8(before)) && (view.getUint8(before + 1) & 15) === 0;
  return isConstant ? view.getInt32(before + 4, true) : undefined;
}

function readSections(view: DataView, file: Uint8Array): Section[] {
  const start = Number(view.getBigUint64(0x28, true));
  const entryBytes = view.getUint16(0x3a, true);
  const count = view.getUint16(0x3c, true);
  const namesAt = start + view.getUint16(0x3e, true) * entryBytes;
  const names = Number(view.getBigUint64(namesAt + 0x18, true));
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * entryBytes;
    return {
      name: textAt(file, names + view.getUint32(at, true)),
      type: view.getUint32(at + 4, true),
      flags: view.getBigUint64(at + 8, true),
      offset: Number(view.getBigUint64(at + 0x18, true)),
      size: Number(view.getBigUint64(at + 0x20, true)),
      link: view.getUint32(at + 0x28, true),
    };
  });
}

/** libbpf resolves these in the running kernel: kernel functions are called this way. */
function undefinedSymbols(sections: Section[], view: DataView, file: Uint8Array): string[] {
  const SYMBOL_BYTES = 24;
  return sections
    .filter(({ type }) => type === SHT_SYMTAB)
    .flatMap(({ offset, size, link }) => {
      const names = sections[link]?.offset ?? 0;
      const found: string[] = [];
      for (let at = offset + SYMBOL_BYTES; at < offset + size; at += SYMBOL_BYTES) {
        if (view.getUint16(at + 6, true) === 0) found.push(textAt(file, names + view.getUint32(at, true)));
      }
      return found;
    });
}

function textAt(file: Uint8Array, offset: number): string {
  return Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString("latin1", offset, file.indexOf(0, offset));
}
