/**
 * Who sends the spans: Kernelcast itself, on this host.
 * @see https://opentelemetry.io/docs/specs/semconv/resource/
 * @module
 */
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  osDetector,
  processDetector,
  type Resource,
  type ResourceDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from "@opentelemetry/resources";
import * as semconv from "./semconv.ts";
import type { Environment } from "./settings.ts";

/** By their names in `OTEL_NODE_RESOURCE_DETECTORS`. The environment comes last and so wins. */
const DETECTORS: ReadonlyMap<string, ResourceDetector> = new Map([
  ["serviceinstance", serviceInstanceIdDetector],
  ["process", processDetector],
  ["host", hostDetector],
  ["os", osDetector],
  ["env", envDetector],
]);

/** What the SDK's detectors take for granted and is not so. */
const RUNTIME = {
  [semconv.ATTR_PROCESS_RUNTIME_NAME]: "bun",
  [semconv.ATTR_PROCESS_RUNTIME_VERSION]: Bun.version,
  [semconv.ATTR_PROCESS_RUNTIME_DESCRIPTION]: "Bun",
};

/**
 * `service.name` is `kernelcast` unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` says otherwise. Some attributes
 * may still be pending: await `waitForAsyncAttributes` before the first use.
 */
function createResource(env: Environment, version: string): Resource {
  const wanted = detectorNames(env.OTEL_NODE_RESOURCE_DETECTORS);
  const own = {
    [semconv.ATTR_SERVICE_NAME]: "kernelcast",
    [semconv.ATTR_SERVICE_VERSION]: version,
    [semconv.ATTR_TELEMETRY_DISTRO_NAME]: "kernelcast",
    [semconv.ATTR_TELEMETRY_DISTRO_VERSION]: version,
  };
  let resource = defaultResource().merge(resourceFromAttributes(own, { schemaUrl: semconv.SCHEMA_URL }));
  for (const [name, detector] of DETECTORS) {
    if (!wanted.has(name)) continue;
    resource = resource.merge(detectResources({ detectors: [detector] }));
    if (name === "process") resource = resource.merge(resourceFromAttributes(RUNTIME));
  }
  return resource;
}

function detectorNames(setting: string | undefined): ReadonlySet<string> {
  const names = (setting ?? "").split(",").flatMap((name) => name.trim() || []);
  if (names.includes("none")) return new Set();
  return new Set(names.length === 0 || names.includes("all") ? DETECTORS.keys() : names);
}

export { createResource };
