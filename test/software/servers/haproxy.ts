import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../e2e/support/nginx.ts";
import { type LoggedRequest, pathOf } from "../support/access-log.ts";
import { NGINX_PORT, startNginxServer } from "./nginx.ts";
import { followLog, type StartServer, withChildren } from "./server.ts";

const PORT = 8082;

/** haproxy in front of nginx: a request is two transactions, and three where nginx passes it on. */
export const startHaproxy: StartServer = async (network, log, folder) => {
  await startNginxServer(network, log, folder);
  const file = followLog(network, log.reader(parse));
  const config = join(temporaryFolder(), "haproxy.conf");
  writeFileSync(
    config,
    `
global
  log stdout format raw local0
  maxconn 1000
  nbthread 1
defaults
  mode http
  log global
  option dontlognull
  timeout client 60s
  timeout server 60s
  timeout connect 60s
frontend front
  bind 127.0.0.1:${PORT}
  log-format "%fp\\t%cp\\t%HM\\t%HU\\t%ST\\t%HV"
  default_backend back
backend back
  server nginx 127.0.0.1:${NGINX_PORT}
`,
  );
  // haproxy drops a line that a pipe has no room for, or that two threads write at once: one thread, to a file.
  const command = 'exec haproxy -W -db -f "$1" > "$2"';
  const haproxy = network.start(withChildren(["sh", "-c", command, "sh", config, file]));
  await haproxy.match(/Loading success/);
  return { port: PORT, hops: 2 };
};

/** haproxy counts bytes as well, but of a head not those on the wire. */
function parse(line: string): LoggedRequest {
  const [serverPort, clientPort, method, target, status, protocol] = line.split("\t") as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    serverPort: Number(serverPort),
    clientPort: Number(clientPort),
    method,
    path: pathOf(target),
    status: Number(status),
    version: protocol.slice("HTTP/".length),
  };
}
