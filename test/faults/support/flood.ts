import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { objectPath } from "../../../ffi/reader-options.ts";
import { allowedCpus } from "../../bench/allowed-cpus.ts";
import { buildFlood, floodCommand, VARIED_FLOOD_OBJECT } from "../../bench/flood.ts";
import { output } from "../../e2e/support/child.ts";
import type { Network } from "../../e2e/support/network.ts";
import { temporaryFolder } from "../../e2e/support/nginx.ts";
import { Service } from "../../e2e/support/service.ts";
import { httpBatch } from "../../ffi/support/ring.ts";
import { KINDS, kindFields } from "./kinds.ts";

/** More than one, where there is more, so that events come over several rings. */
const CPUS = allowedCpus().slice(0, 2);
/** In the service's own view of the file system, another object lies where that of bpf/http.bpf.c does. */
const WITH_OBJECT = 'mount --bind "$0" "$1" && shift && exec "$@"';

/** The real service, whose events a BPF program makes and not packets. Nothing else is observed. */
export class FloodedService {
  readonly service: Service;

  private constructor(service: Service) {
    this.service = service;
  }

  static async start(network: Network, flags: readonly string[]): Promise<FloodedService> {
    await buildFlood(VARIED_FLOOD_OBJECT);
    const command = ["unshare", "--mount", "sh", "-c", WITH_OBJECT, VARIED_FLOOD_OBJECT, objectPath("http")];
    return new FloodedService(await Service.start(network, { flags, command }));
  }

  /**
   * Makes numbered events of all kinds at a steady rate; who is late makes up for it at once.
   * @returns how many, of all CPUs
   */
  async flood(perSecond: number, seconds: number): Promise<number> {
    const { pid } = this.service.process;
    const events = writeKinds();
    const order = { perSecond: perSecond / CPUS.length, seconds, pid, events };
    const made = await Promise.all(CPUS.map((cpu) => output(floodCommand({ ...order, cpu }))));
    return made.map(Number).reduce((sum, count) => sum + count, 0);
  }
}

/** As the kernel's structs. @returns the file */
function writeKinds(): string {
  const kinds = httpBatch(Array.from({ length: KINDS }, (_, number) => kindFields(number)));
  const from = kinds.eventOffset(0);
  const file = join(temporaryFolder(), "events");
  writeFileSync(file, kinds.memory.bytes.subarray(from, from + KINDS * kinds.eventSize));
  return file;
}
