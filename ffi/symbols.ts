/**
 * The C reader's functions (`reader.h` says what each does). The only file that imports `bun:ffi`.
 * @module
 */
import { CString, dlopen, type Pointer, ptr, toArrayBuffer } from "bun:ffi";

const LIBRARY = new URL(".output/libreader.so", import.meta.url).pathname;

const { symbols } = dlopen(LIBRARY, {
  reader_open: { args: ["cstring", "buffer", "buffer", "u32"], returns: "ptr" },
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
  reader_set_listen_port: { args: ["ptr", "u32"], returns: "i32" },
  reader_clock_offset_ns: { args: [], returns: "i64" },
  reader_probe: { args: ["buffer", "u32"], returns: "i32" },
});

/** A zero-terminated copy of a text, to be passed as `cstring`; must be kept alive for the call. */
function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

/** The text that C wrote into a buffer, up to its terminating zero. */
function textOf(buffer: Uint8Array): string {
  return new CString(ptr(buffer)).toString();
}

export { cstring, type Pointer, symbols, textOf, toArrayBuffer };
