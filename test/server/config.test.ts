import { expect, test } from "bun:test";
import { ConfigError, formatConfig, loadConfig } from "../../server/config.ts";

const problemsOf = (argv: string[], env: Record<string, string> = {}): readonly string[] => {
  try {
    loadConfig(argv, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

test("without flags and variables every setting has its default and says so", () => {
  const { config, sources } = loadConfig([], { PATH: "/bin", OTEL_TRACES_EXPORTER: "none" });
  expect(config).toEqual({
    host: "127.0.0.1",
    port: 4320,
    insecure: false,
    allowedHost: [],
    allowedOrigin: [],
    source: "kernel",
    attach: "auto",
    speed: "max",
    noWait: false,
    captureQuery: false,
    redactQuery: [],
    pathMax: 224,
    redact: [],
    template: [],
    templateOnly: false,
    idleTimeoutSeconds: 60,
    maxConnections: 65_536,
    ringKib: 2048,
    queueMax: 65_536,
    queueMib: 32,
    queueSeconds: 60,
    historyMib: 32,
    historySeconds: 60,
    heartbeatSeconds: 15,
    kernelFilter: true,
    compress: false,
    protocols: ["http"],
    spans: "auto",
    subscriberMax: 1000,
  });
  expect(new Set(Object.values(sources).map((source) => source.from))).toEqual(new Set(["default"]));
});

test("a flag wins over a variable, a variable over the default, and the sources name them", () => {
  const { config, sources } = loadConfig(["--port", "0"], { KERNELCAST_PORT: "9000", KERNELCAST_RING_KIB: "64" });
  expect([config.port, config.ringKib, config.queueMax]).toEqual([0, 64, 65_536]);
  expect(sources.port).toEqual({ from: "flag", name: "--port" });
  expect(sources.ringKib).toEqual({ from: "environment", name: "KERNELCAST_RING_KIB" });
  expect(sources.queueMax).toEqual({ from: "default", name: "--queue-max" });
});

test("one argument without a flag is taken where it is asked for, wherever it stands", () => {
  for (const argv of [
    ["a.pcap", "--port=1", "--speed", "2"],
    ["--port=1", "a.pcap", "--speed", "2"],
    ["--port=1", "--speed", "2", "a.pcap"],
  ]) {
    const { config, sources } = loadConfig(argv, { KERNELCAST_SOURCE: "auto" }, "source");
    expect([config.source, config.port, config.speed]).toEqual(["a.pcap", 1, 2]);
    expect(sources.source).toEqual({ from: "flag", name: "argument" });
  }
  expect(loadConfig(["-"], {}, "source").config.source).toBe("-");
});

const accepted: [string, string[], Record<string, string>, object][] = [
  ["a value after a space", ["--port", "80"], {}, { port: 80 }],
  ["a value after an equals sign", ["--port=80"], {}, { port: 80 }],
  ["the last of repeated flags", ["--port", "80", "--port=81"], {}, { port: 81 }],
  ["a bare switch", ["--capture-query"], {}, { captureQuery: true }],
  ["a switch with a word", ["--capture-query=off"], {}, { captureQuery: false }],
  ["a negated switch", ["--no-capture-query"], { KERNELCAST_CAPTURE_QUERY: "true" }, { captureQuery: false }],
  ["a switch by variable", [], { KERNELCAST_CAPTURE_QUERY: "yes" }, { captureQuery: true }],
  ["an IPv6 address", ["--host", "::1"], {}, { host: "::1" }],
  ["a factor", ["--speed", "0.5"], {}, { speed: 0.5 }],
  ["as fast as can be", ["--speed=max"], {}, { speed: "max" }],
  ["a switch whose name begins with no", ["--no-wait"], {}, { noWait: true }],
  ["a capture file", ["--source", "a.pcap"], {}, { source: "a.pcap" }],
  ["a host name", ["--host", "localhost"], {}, { host: "localhost" }],
  ["several protocols, each once", ["--protocols", "tcp, http,tcp"], {}, { protocols: ["tcp", "http"] }],
  ["a word of several", ["--spans=both"], {}, { spans: "both" }],
  [
    "each of repeated flags that add up",
    ["--template", "/a/{id}", "--template=/b/**", "--redact-query=ssn"],
    {},
    { template: ["/a/{id}", "/b/**"], redactQuery: ["ssn"] },
  ],
  [
    "a list by variable, with spaces between",
    [],
    { KERNELCAST_TEMPLATE: " /a/*  /b.html\n/c/**\t", KERNELCAST_REDACT: "a=>b" },
    { template: ["/a/*", "/b.html", "/c/**"], redact: [{ pattern: "a", replacement: "b" }] },
  ],
  [
    "a list by flag, which replaces the variable's",
    ["--template", "/a"],
    { KERNELCAST_TEMPLATE: "/b" },
    { template: ["/a"] },
  ],
  ["an empty list by variable", [], { KERNELCAST_TEMPLATE: "" }, { template: [] }],
  [
    "a redaction, whose last arrow counts and whose replacement may be empty",
    ["--redact", "(a)=>x=>$1 y", "--redact", "[0-9]+=>"],
    {},
    {
      redact: [
        { pattern: "(a)=>x", replacement: "$1 y" },
        { pattern: "[0-9]+", replacement: "" },
      ],
    },
  ],
  [
    "every form of template",
    ["/", "/**", "/a//b/", "/{a}-{b}.js", "/x*y/%7E;v=1", "/é"].flatMap((one) => ["--template", one]),
    {},
    { template: ["/", "/**", "/a//b/", "/{a}-{b}.js", "/x*y/%7E;v=1", "/é"] },
  ],
  ["the longest path", ["--path-max", "4064"], {}, { pathMax: 4064 }],
  ["the greatest port", ["--port", "65535"], {}, { port: 65_535 }],
  ["what Kubernetes sets for a Service of our name", [], { KERNELCAST_PORT: "tcp://10.0.0.1:4320" }, { port: 4320 }],
  ["its other variables", [], { KERNELCAST_SERVICE_HOST: "10.0.0.1", KERNELCAST_PORT_4320_TCP_ADDR: "x" }, {}],
];
test.each(accepted)("%s is understood", (_, argv, env, expected) => {
  expect(loadConfig(argv, env).config).toMatchObject(expected);
});

const refused: [string[], Record<string, string>, string[]][] = [
  [["--protocols", "smtp"], {}, ['--protocols: expected one or more of http, tcp, with commas between, got "smtp"']],
  [["--spans", "all"], {}, ['--spans: expected one of auto, server, client, both, got "all"']],
  [["--port", "http"], {}, ['--port: expected an integer from 0 to 65535, got "http"']],
  [["--port", "65536"], {}, ['--port: expected an integer from 0 to 65535, got "65536"']],
  [["--port", "1e3"], {}, ['--port: expected an integer from 0 to 65535, got "1e3"']],
  [["--port="], {}, ['--port: expected an integer from 0 to 65535, got ""']],
  [[], { KERNELCAST_PORT: "-1" }, ['KERNELCAST_PORT: expected an integer from 0 to 65535, got "-1"']],
  [["--ring-kib", "1000"], {}, ['--ring-kib: expected a power of two from 16 to 262144, got "1000"']],
  [["--ring-kib", "8"], {}, ['--ring-kib: expected an integer from 16 to 262144, got "8"']],
  [["--ring-kib", "x"], {}, ['--ring-kib: expected an integer from 16 to 262144, got "x"']],
  [[], { KERNELCAST_CAPTURE_QUERY: "maybe" }, ['KERNELCAST_CAPTURE_QUERY: expected true or false, got "maybe"']],
  [
    ["--host", "http://localhost"],
    {},
    ['--host: expected an IP address or a host name, without scheme or port, got "http://localhost"'],
  ],
  [["--path-max", "0"], {}, ['--path-max: expected an integer from 1 to 4064, got "0"']],
  [["--path-max", "4065"], {}, ['--path-max: expected an integer from 1 to 4064, got "4065"']],
  [["--redact", "abc"], {}, ['--redact: expected PATTERN=>REPLACEMENT, got "abc"']],
  [["--redact", "=>x"], {}, ['--redact: expected a pattern before => that does not match an empty text, got "=>x"']],
  [
    ["--redact", "a=>b", "--redact", "(?=a)=>b"],
    {},
    [
      '--redact: expected a regular expression of RE2 before => (invalid or unsupported Perl syntax: `(?=`), got "(?=a)=>b"',
    ],
  ],
  [["--redact", "(a)=>$2"], {}, ['--redact: expected a pattern before => with 2 groups, for $2, got "(a)=>$2"']],
  [
    [],
    { KERNELCAST_REDACT: "a=>b (=>c" },
    ['KERNELCAST_REDACT: expected a regular expression of RE2 before => (missing closing ): `(`), got "(=>c"'],
  ],
  ...["users", "/a/**/b", "/a**", "/{a b}", "/{}", "/a?b", "/a#b", "/a{", "***", ""].map(
    (one): [string[], Record<string, string>, string[]] => [
      ["--template", one],
      {},
      [
        `--template: expected a path such as /users/{id}, with * or {name} for what varies and ** only as the last segment, got ${JSON.stringify(one)}`,
      ],
    ],
  ),
  [["--redact-query", "a=b"], {}, ['--redact-query: expected the name of a query parameter, got "a=b"']],
  [["--template"], {}, ["--template needs a value"]],
  [["--port"], {}, ["--port needs a value"]],
  [["--port", "--host", "::1"], {}, ["--port needs a value"]],
  [["--prot", "80"], {}, ["unknown flag --prot; did you mean --port?"]],
  [["--no-port"], {}, ["unknown flag --no-port; did you mean --port?"]],
  [["--zzzzzzzzzz"], {}, ["unknown flag --zzzzzzzzzz; --help lists them all"]],
  [["-p"], {}, ["unknown flag -p; --help lists them all"]],
  [["7000"], {}, ['unexpected argument "7000"; settings begin with --']],
  [[], { KERNELCAST_QEUE_MAX: "1" }, ["unknown variable KERNELCAST_QEUE_MAX; did you mean KERNELCAST_QUEUE_MAX?"]],
  [
    ["--port", "x", "--queue-max", "0"],
    { KERNELCAST_SUBSCRIBER_MAX: "0" },
    [
      'KERNELCAST_SUBSCRIBER_MAX: expected an integer from 1 to 100000, got "0"',
      '--port: expected an integer from 0 to 65535, got "x"',
      '--queue-max: expected an integer from 1 to 16777216, got "0"',
    ],
  ],
];
test.each(refused)("%j with %j is refused in one line per problem", (argv, env, expected) => {
  expect([...problemsOf(argv, env)].sort()).toEqual([...expected].sort());
});

test("a variable that a flag overrides is not held against the user", () => {
  expect(problemsOf(["--port", "80"], { KERNELCAST_PORT: "nonsense" })).toEqual([]);
});

test("a list is printed as its variable would hold it", () => {
  const { config, sources } = loadConfig(["--template=/a", "--template=/b", "--redact=a+=>b"], {});
  const text = formatConfig(config, sources);
  expect(text).toMatch(/^template +\/a \/b +flag --template$/m);
  expect(text).toMatch(/^redact +a\+=>b +flag --redact$/m);
  expect(text).toMatch(/^redact-query +none +default$/m);
});

test("the effective settings are printed a line each, with value and origin", () => {
  const { config, sources } = loadConfig(["--port=80"], { KERNELCAST_HOST: "::1" });
  const lines = formatConfig(config, sources).trimEnd().split("\n");
  expect(lines).toHaveLength(Object.keys(sources).length);
  expect(lines[0]).toMatch(/^host +::1 +environment KERNELCAST_HOST$/);
  expect(lines[1]).toMatch(/^port +80 +flag --port$/);
  expect(lines.at(-1)).toMatch(/^subscriber-max +1000 +default$/);
});
