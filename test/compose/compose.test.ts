import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { YAML } from "bun";
import { DCLinter } from "dclint";
import manifest from "../../package.json" with { type: "json" };

const ROOT = join(import.meta.dir, "../..");
const FILE = join(ROOT, "compose.yaml");

interface Service {
  image: string;
  build?: { context: string; dockerfile_inline: string };
  privileged?: boolean;
  network_mode?: string;
  cap_add?: string[];
  cap_drop?: string[];
  ports?: string[];
  environment?: Record<string, string>;
  configs?: { source: string; target: string }[];
  depends_on?: string[];
}

interface Compose {
  services: Record<string, Service>;
  configs: Record<string, { content: string }>;
}

interface Collector {
  receivers: { otlp: { protocols: Record<string, { endpoint: string }> } };
  exporters: Record<string, { endpoint: string }>;
  service: { pipelines: Record<string, Record<"receivers" | "processors" | "exporters", string[]>> };
  processors: Record<string, unknown>;
}

const compose = YAML.parse(readFileSync(FILE, "utf8")) as Compose;
const { kernelcast, collector, jaeger, demo } = compose.services;
const collectorConfig = YAML.parse(compose.configs.collector?.content ?? "") as Collector;
const dockerfile = kernelcast?.build?.dockerfile_inline ?? "";

/** Says what the official Compose schema and the linter's rules find in a file. */
function lint(file: string): string[] {
  const rules: ConstructorParameters<typeof DCLinter>[0]["rules"] = {
    "no-build-and-image": 0,
    "require-quotes-in-ports": [1, { quoteType: "double" }],
    "service-keys-order": 0,
    "services-alphabetical-order": 0,
  };
  const linter = new DCLinter({ rules, quiet: false, debug: false, exclude: [] });
  return linter
    .lintFiles([file], false)
    .flatMap(({ messages }) => messages.map(({ rule, line, message }) => `${line}: ${message} (${rule})`));
}

describe("compose.yaml", () => {
  test("is a valid Compose file", () => {
    expect(lint(FILE)).toEqual([]);
  });

  test("pins every image it fetches", () => {
    const images = Object.values(compose.services).map(({ image }) => image);
    const stages = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image = ""]) => image);
    for (const image of [...images, ...stages])
      expect(image).toMatch(/^[\w./-]+:(local|[\w.-]*\d[\w.-]*|bookworm-slim)$/);
  });

  test("mounts only configs that it holds, and holds none in vain", () => {
    const used = Object.values(compose.services).flatMap(({ configs = [] }) => configs.map(({ source }) => source));
    expect(used.toSorted()).toEqual(Object.keys(compose.configs).toSorted());
  });

  test("names services that exist wherever it waits for one", () => {
    for (const { depends_on = [] } of Object.values(compose.services)) {
      for (const name of depends_on) expect(Object.keys(compose.services)).toContain(name);
    }
  });
});

describe("privileges", () => {
  test("Kernelcast has exactly the three capabilities it needs", () => {
    expect(kernelcast?.cap_drop).toEqual(["ALL"]);
    expect(kernelcast?.cap_add?.toSorted()).toEqual(["BPF", "NET_RAW", "PERFMON"]);
    expect(kernelcast?.network_mode).toBe("host");
  });

  test("no service is privileged, and none but Kernelcast is given a capability", () => {
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service.privileged).toBeUndefined();
      if (name !== "kernelcast") expect(service.cap_add).toBeUndefined();
    }
  });

  test("every port is published on the loopback address alone, once", () => {
    const ports = Object.values(compose.services).flatMap(({ ports = [] }) => ports);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    const published = ports.map((port) => port.split(":")[1]);
    expect(new Set(published).size).toBe(published.length);
  });
});

describe("the way of a span", () => {
  test("Kernelcast exports to where the collector receives, on the same network", () => {
    const endpoint = collectorConfig.receivers.otlp.protocols.http?.endpoint;
    expect(kernelcast?.environment?.OTEL_EXPORTER_OTLP_ENDPOINT).toBe(`http://${endpoint}`);
    expect(collector?.network_mode).toBe("host");
  });

  test("the collector exports to the port that Jaeger's OTLP receiver is published on", () => {
    const endpoint = collectorConfig.exporters.otlp?.endpoint;
    expect(jaeger?.ports).toContain(`${endpoint}:4317`);
    expect(jaeger?.ports).toContain("127.0.0.1:16686:16686");
  });

  test("the collector's pipelines name parts that it has", () => {
    const { receivers, processors, exporters, service } = collectorConfig;
    for (const pipeline of Object.values(service.pipelines)) {
      for (const name of pipeline.receivers) expect(Object.keys(receivers)).toContain(name);
      for (const name of pipeline.processors) expect(Object.keys(processors)).toContain(name);
      for (const name of pipeline.exporters) expect(Object.keys(exporters)).toContain(name);
    }
  });

  test("the demo answers the load", () => {
    expect(demo?.ports).toEqual(["127.0.0.1:8080:80"]);
    expect(compose.configs.demo?.content).toContain("listen 80;");
  });
});

describe("the image", () => {
  test("copies only what the repository has, and every folder that runs", () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = ""]) =>
      names.split(" "),
    );
    const tracked = Bun.spawnSync(["git", "ls-files", "--", ...copied], { cwd: ROOT }).stdout.toString();
    for (const name of copied) expect(tracked).toMatch(new RegExp(`^${RegExp.escape(name)}(/|$)`, "m"));
    expect(copied).toEqual(expect.arrayContaining(["bpf", "ffi", "otel", "server", "package.json", "bun.lock"]));
  });

  test("runs the launcher's set-up and then the same entry point", () => {
    expect(dockerfile).toContain("RUN node server/setup/prepare.mjs");
    expect(dockerfile).toMatch(/ENTRYPOINT \["bun", .*"server\/cli\.ts"\]/);
    expect(manifest.bin.kernelcast).toBe("server/setup/kernelcast.mjs");
  });
});

test("the schema is not idle: it refuses a service with a misspelt key", () => {
  const file = join(import.meta.dir, "misspelt.compose.yaml");
  expect(lint(file).join("\n")).toContain('"/services/web"');
});
