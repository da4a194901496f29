import { arch } from "node:os";
import { join } from "node:path";

/** clang's flags for a program of this folder, as bpf/Makefile has them for the service's. */
export function bpfFlags(): string[] {
  const machine = arch() === "arm64" ? "aarch64" : "x86_64";
  return [
    ...["-g", "-O2", "-target", "bpf", "-mcpu=v3", "-std=gnu11", "-Wall", "-Wextra", "-Werror"],
    ...["-Wno-unused-parameter", "-Wno-sign-compare", "-Wno-address-of-packed-member"],
    `-I${join(import.meta.dir, "../../bpf")}`,
    `-I/usr/include/${machine}-linux-gnu`,
  ];
}
