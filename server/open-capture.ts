/**
 * The capture that the settings ask for: from the kernel, or from a file.
 * @module
 */

import type { KernelCapture } from "../ffi/capture.ts";
import type { Sink } from "../ffi/event.ts";
import { BatchHistory } from "../ffi/history.ts";
import type { ReplayCapture } from "../ffi/replay.ts";
import { TargetPolicy } from "../ffi/target-policy.ts";
import type { Config } from "./config.ts";
import type { ChosenSource } from "./traffic-source.ts";

/** Open, and not started. `kernel` or `replay` is the same capture again, by what only that kind has. */
interface OpenCapture {
  capture: KernelCapture | ReplayCapture;
  kernel?: KernelCapture;
  replay?: ReplayCapture;
}

/** What may be reported of request targets. */
const targetPolicy = (config: Config): TargetPolicy =>
  new TargetPolicy({
    templates: config.template,
    templateOnly: config.templateOnly,
    redactions: config.redact,
    secretParameters: config.redactQuery,
  });

/** Undefined when none is to be kept. */
const openHistory = ({ historyMib, historySeconds }: Config, policy: TargetPolicy): BatchHistory | undefined =>
  historyMib === 0
    ? undefined
    : new BatchHistory({ maxBytes: historyMib * 1024 * 1024, maxAgeMillis: historySeconds * 1000 }, policy);

/** Where what is captured goes, and how. */
interface Destination {
  sinks: readonly Sink[];
  /** By default a new one of the settings. */
  policy?: TargetPolicy;
  history?: BatchHistory | undefined;
}

/** @throws CaptureError; what dlopen throws where the library or libbpf is missing */
const openCapture = async (
  config: Config,
  { source, file }: ChosenSource,
  { sinks, policy = targetPolicy(config), history }: Destination,
): Promise<OpenCapture> => {
  const common = {
    connectionsMax: config.maxConnections,
    idleTimeoutMillis: config.idleTimeoutSeconds * 1000,
    captureQuery: config.captureQuery,
    pathMax: config.pathMax,
    policy,
    ...(history !== undefined && { history }),
  };
  // Late: a library that is missing is a message like any other.
  if (file === undefined) {
    const { KernelCapture } = await import("../ffi/capture.ts");
    const kernel = new KernelCapture(
      {
        ...common,
        protocols: config.protocols,
        ringBytes: config.ringKib * 1024,
        ...(source.attach !== undefined && { attach: source.attach }),
        ...(source.cgroup !== undefined && { cgroup: source.cgroup }),
      },
      sinks,
    );
    return { capture: kernel, kernel };
  }
  const { ReplayCapture } = await import("../ffi/replay.ts");
  const isDemo = source.kind === "demo";
  const speed = config.speed === "max" ? 0 : config.speed;
  const replay = new ReplayCapture({ ...common, path: file, speed: isDemo ? 1 : speed, loop: isDemo }, sinks);
  return { capture: replay, replay };
};

export type { OpenCapture };
export { openCapture, openHistory, targetPolicy };
