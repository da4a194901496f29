import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeKernel } from "../kernel.ts";
import { makeCertificate } from "./support/certificate.ts";
import { endAll, output, run } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { removeFolders, temporaryFolder } from "./support/nginx.ts";
import { RawSocket, requestText, UPGRADE_FIELDS } from "./support/raw-socket.ts";
import { serveRecording, startRecorded } from "./support/recorded.ts";

const LIMIT_MILLIS = 30_000;
const EXIT_REFUSED = 2;
const TOKEN = "reader-0123456789";

afterEach(async () => {
  await endAll();
  removeFolders();
}, LIMIT_MILLIS);

function fileWith(text: string, mode = 0o600): string {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

const OPEN_TO_ALL =
  /on \S+ whoever reaches this machine could read its traffic: set --token-file \(KERNELCAST_TOKEN_FILE\), or say --insecure$/;

const refusals: [name: string, flags: () => string[] | Promise<string[]>, message: RegExp][] = [
  ["all addresses, to all", () => ["--host=0.0.0.0"], OPEN_TO_ALL],
  ["all addresses of IPv6, to all", () => ["--host=::"], OPEN_TO_ALL],
  ["a name that begins as loopback, to all", () => ["--host=127.example.com"], OPEN_TO_ALL],
  ["a token file that is not there", () => ["--token-file=/nowhere"], /the token file cannot be read: ENOENT/],
  [
    "a token file that the group may read",
    () => ["--token-file", fileWith(TOKEN, 0o640)],
    /others may read it \(mode 640\); run: chmod 600 \S+$/,
  ],
  ["one that all may write", () => ["--token-file", fileWith(TOKEN, 0o602)], /others may read it \(mode 602\)/],
  ["one without a token", () => ["--token-file", fileWith("# none\n")], /expected at least one token, found none$/],
  ["one with a short token", () => ["--token-file", fileWith("read short")], /line 1: expected "read TOKEN"/],
  ["half of TLS", () => ["--tls-cert", fileWith("")], /TLS needs both, --tls-cert and --tls-key$/],
  [
    "a certificate that is not there",
    () => ["--tls-cert=/nowhere", "--tls-key=/nowhere"],
    /--tls-cert cannot be read: ENOENT/,
  ],
  [
    "a certificate that is none",
    async () => {
      const { key } = await makeCertificate();
      return ["--tls-cert", fileWith("hello"), "--tls-key", key];
    },
    /--tls-cert: expected a certificate chain in PEM, found none in \S+$/,
  ],
  [
    "a key that is none",
    async () => {
      const { cert } = await makeCertificate();
      return ["--tls-cert", cert, "--tls-key", cert];
    },
    /--tls-key: expected a private key without a passphrase in PEM, found none in \S+$/,
  ],
  [
    "a key of another certificate",
    async () => {
      const [one, other] = [await makeCertificate(), await makeCertificate()];
      return ["--tls-cert", one.cert, "--tls-key", other.key];
    },
    /the private key in \S+ \(--tls-key\) is not that of the certificate in \S+$/,
  ],
  ["a Unix socket where a file is", () => ["--unix-socket", fileWith("mine")], /exists and is no socket/],
  [
    "a Unix socket where no folder is",
    () => ["--unix-socket=/nowhere/kernelcast.sock"],
    /cannot listen on \/nowhere\/kernelcast.sock/,
  ],
  [
    "a Unix socket with too long a name",
    () => ["--unix-socket", join(temporaryFolder(), "x".repeat(120))],
    /name too long/,
  ],
];

describe("the service refuses to start", () => {
  test.each(refusals)("with %s", async (_, flags, message) => {
    const { exitCode, stderr, stdout } = await serveRecording({ flags: await flags() }).outcome();
    expect([exitCode, stdout]).toEqual([EXIT_REFUSED, ""]);
    expect(stderr).toMatch(/^kernelcast: .*\n$/);
    expect(stderr.trimEnd()).toMatch(message);
    expect(stderr).not.toContain(TOKEN);
  });
});

test("with --insecure it serves all addresses", async () => {
  const { url } = await startRecorded({ flags: ["--host=0.0.0.0", "--insecure"] });
  expect((await fetch(`${url}/stats`)).status).toBe(200);
});

describe("with TLS", () => {
  test("it serves https and wss to who knows the certificate, and nobody else", async () => {
    const { cert, key } = await makeCertificate();
    const { url } = await startRecorded({ flags: ["--tls-cert", cert, "--tls-key", key] });
    expect(url).toStartWith("https://");
    const curl = ["curl", "--silent", "--show-error", `${url}/healthz`];
    expect(await output([...curl, "--cacert", cert])).toBe('{"status":"ok"}');
    expect((await run(curl)).stderr).toContain("certificate");
    expect((await run([...curl, "--insecure", "--tls-max", "1.1"])).exitCode).not.toBe(0);
    expect(await hello(url, cert)).toMatchObject({ type: "hello" });
    await expect(hello(url, undefined)).rejects.toThrow();
    const plain = await RawSocket.connect(url.replace("https", "http"));
    await plain.send(requestText("GET /healthz")).ended;
    expect(plain.text).not.toContain("ok");
  });
});

function hello(url: string, ca: string | undefined): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const tls = ca === undefined ? {} : { ca: Bun.file(ca) };
  const socket = new WebSocket(`${url.replace("https", "wss")}/ws`, { tls } as Bun.WebSocketOptions);
  socket.onmessage = ({ data }) => {
    resolve(JSON.parse(String(data)));
    socket.close();
  };
  socket.onerror = (event) => reject(new Error("message" in event ? String(event.message) : "failed"));
  return promise;
}

describe("on a Unix socket", () => {
  const path = () => join(temporaryFolder(), "kernelcast.sock");
  const healthz = (socket: string) =>
    output(["curl", "--silent", "--show-error", "--unix-socket", socket, "http://whatever.example/healthz"]);

  test("it serves only its user, under any name, and takes the socket away at the end", async () => {
    const socket = path();
    const { process, url } = await startRecorded({ flags: ["--unix-socket", socket] });
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(await healthz(socket)).toBe('{"status":"ok"}');
    const client = await RawSocket.connect(url);
    client.send(requestText("GET /ws", UPGRADE_FIELDS));
    await client.until(() => client.text.includes('"type":"hello"'));
    expect(await process.stop()).toBe(0);
    await client.ended;
    expect(existsSync(socket)).toBe(false);
  });

  test("it is on no port", async () => {
    const { process } = await startRecorded({ flags: ["--unix-socket", path(), "--port=4320"] });
    const inodes = await output([
      "sh",
      "-c",
      `ls -l /proc/${process.pid}/fd | grep -o 'socket:\\[[0-9]*' | tr -dc '0-9\\n'`,
    ]);
    const listening = readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .filter((line) => / 0A /.test(line));
    for (const inode of inodes.trim().split("\n")) expect(listening.join("\n")).not.toContain(` ${inode} `);
  });

  test("a second instance leaves the first alone", async () => {
    const socket = path();
    await startRecorded({ flags: ["--unix-socket", socket] });
    const { exitCode, stderr } = await serveRecording({ flags: ["--unix-socket", socket] }).outcome();
    expect([exitCode, stderr]).toEqual([
      EXIT_REFUSED,
      `kernelcast: ${socket} is in use, perhaps by another Kernelcast\n`,
    ]);
    expect(await healthz(socket)).toBe('{"status":"ok"}');
  });

  test("it replaces a socket whose service was killed", async () => {
    const socket = path();
    const { process } = await startRecorded({ flags: ["--unix-socket", socket] });
    await process.stop("SIGKILL");
    expect(existsSync(socket)).toBe(true);
    await startRecorded({ flags: ["--unix-socket", socket] });
    expect(await healthz(socket)).toBe('{"status":"ok"}');
  });

  test("the file that is in its place is left as it was", async () => {
    const file = fileWith("mine");
    await serveRecording({ flags: ["--unix-socket", file] }).outcome();
    expect(readFileSync(file, "utf8")).toBe("mine");
  });
});

describeKernel("to other machines", () => {
  test("an address that asks too often is told to wait, and loopback is not", async () => {
    const network = await Network.open();
    await network.output("ip", "address", "add", "192.0.2.7/32", "dev", "lo");
    const { url } = await startRecorded({ flags: ["--host=0.0.0.0", "--insecure"], prefix: network.inside([]) });
    const port = new URL(url).port;
    const statuses = async (host: string) => {
      const codes = await network.output(
        "curl",
        "--silent",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}\n",
        `http://${host}:${port}/healthz?[1-900]`,
      );
      return new Set(codes.trim().split("\n"));
    };
    expect(await statuses("127.0.0.1")).toEqual(new Set(["200"]));
    expect(await statuses("192.0.2.7")).toEqual(new Set(["200", "429"]));
  });
});
