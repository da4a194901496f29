/**
 * The functions of the C libraries (`reader.h` and `replay.h` say what each does). The only file that imports `bun:ffi`.
 * A library is opened by the first call for it: a replay needs no libbpf.
 * @module
 */
import { CString, dlopen, type Library, type Pointer, ptr, toArrayBuffer } from "bun:ffi";

/** What every reader has. */
const READER = {
  reader_start: { args: ["ptr", "buffer", "u32"], returns: "i32" },
  reader_wake_fd: { args: ["ptr"], returns: "i32" },
  reader_ring: { args: ["ptr"], returns: "ptr" },
  reader_head: { args: ["ptr"], returns: "f64" },
  reader_release: { args: ["ptr", "f64"], returns: "void" },
  reader_arm: { args: ["ptr"], returns: "f64" },
  reader_sync: { args: ["ptr"], returns: "u32" },
  reader_stop: { args: ["ptr"], returns: "void" },
  reader_close: { args: ["ptr"], returns: "void" },
  reader_stats: { args: ["ptr"], returns: "ptr" },
  reader_cpus: { args: ["ptr"], returns: "i32" },
  reader_counters: { args: ["ptr", "cstring"], returns: "ptr" },
  reader_pause: { args: ["ptr", "cstring", "u32"], returns: "i32" },
} as const;

const KERNEL = {
  ...READER,
  reader_open: { args: ["cstring", "buffer", "buffer", "u32"], returns: "ptr" },
  reader_programs: { args: ["ptr", "buffer", "u32"], returns: "void" },
  reader_set_wanted: { args: ["ptr", "ptr"], returns: "i32" },
  reader_set_listen_port: { args: ["ptr", "u32"], returns: "i32" },
  reader_clock_offset_ns: { args: [], returns: "i64" },
  reader_probe: { args: ["buffer", "u32"], returns: "i32" },
} as const;

const REPLAY = {
  ...READER,
  replay_open: { args: ["cstring", "buffer", "buffer", "buffer", "u32"], returns: "ptr" },
  replay_play: { args: ["ptr"], returns: "void" },
  replay_status: { args: ["ptr"], returns: "ptr" },
} as const;

type ReaderSymbols = Library<typeof READER>["symbols"];

const path = (library: string) => new URL(`.output/${library}.so`, import.meta.url).pathname;

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const kernelSymbols = once(() => dlopen(path("libreader"), KERNEL).symbols);
const replaySymbols = once(() => dlopen(path("libreplay"), REPLAY).symbols);
/** The build that keeps more of long request targets. */
const longReplaySymbols = once(() => dlopen(path("libreplay.long"), REPLAY).symbols);

/** A zero-terminated copy of a text, to be passed as `cstring`; must be kept alive for the call. */
function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

/** The text that C wrote into a buffer, up to its terminating zero. */
function textOf(buffer: Uint8Array): string {
  return new CString(ptr(buffer)).toString();
}

export {
  cstring,
  kernelSymbols,
  longReplaySymbols,
  type Pointer,
  ptr,
  type ReaderSymbols,
  replaySymbols,
  textOf,
  toArrayBuffer,
};
