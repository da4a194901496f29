import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { end, output, start } from "./children.ts";
import { scratchFolder } from "./output.ts";
import { cpuSeconds } from "./process-usage.ts";

/** The watched server. */
export interface Nginx {
  url: string;
  port: number;
  version: string;
  /** Requests served since `before`, itself a result of `count`; by nginx's own account. */
  count(): Promise<number>;
  /** Of its workers. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/** From one address to another there are some 28,000 ports, and the search for a free one gets slow long before. */
export const ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"];

const READY_MILLIS = 5000;
/** The body of what lies below `/large`; all other bodies have 14 bytes. */
const LARGE_BYTES = 100 * 1024;

/** Of each, as far as its limit of open files lets it. */
const WORKER_CONNECTIONS = 32_768;
/** As far as the kernel lets it. */
const BACKLOG = 32_768;

// The count is read through a Unix socket, where no packet filter looks.
const config = (folder: string, port: number) => `
daemon off;
worker_processes 2;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections ${WORKER_CONNECTIONS}; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    ${ADDRESSES.map((address) => `listen ${address}:${port} backlog=${BACKLOG};`).join(" ")}
    location / { default_type text/plain; return 200 "Hello, world!\\n"; }
    location /large { sendfile on; default_type text/plain; root ${folder}; try_files /large.txt =404; }
  }
  server {
    listen unix:${folder}/status.sock;
    location / { stub_status; }
  }
}
`;

export async function startNginx(): Promise<Nginx> {
  const folder = scratchFolder();
  // nginx's workers are another user.
  chmodSync(folder, 0o755);
  const port = freePort();
  const file = join(folder, "nginx.conf");
  writeFileSync(file, config(folder, port));
  writeFileSync(join(folder, "large.txt"), "x".repeat(LARGE_BYTES));
  const child = start(["nginx", "-e", join(folder, "error.log"), "-c", file, "-p", folder]);
  const url = `http://127.0.0.1:${port}/`;
  const deadline = Date.now() + READY_MILLIS;
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`nginx did not start:\n${await child.stderr.text()}`);
    if (Date.now() > deadline) throw new Error(`nginx does not answer on ${url}`);
    await Bun.sleep(20);
  }
  let readings = 0;
  const count = async () => {
    const status = await fetch("http://status/", { unix: join(folder, "status.sock") });
    const [, requests] = (await status.text()).match(/^ *\d+ +\d+ +(\d+)/m) ?? [];
    if (requests === undefined) throw new Error("nginx gave no count of its requests");
    // Each reading counts itself.
    return Number(requests) - ++readings;
  };
  const version = (await output(["sh", "-c", "nginx -v 2>&1"])).trim();
  const workers = () =>
    readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ").map(Number);
  return {
    url,
    port,
    version,
    count,
    cpuSeconds: () => workers().reduce((sum, pid) => sum + cpuSeconds(pid), 0),
    async stop() {
      await end(child);
      // A test's process ends without a word to those who listen for it.
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Free a moment ago, which is as much as can be known. */
function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
