import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../e2e/support/nginx.ts";
import { CONTINUE_BYTES, type LoggedRequest, pathOf } from "../support/access-log.ts";
import { APP_PORT, startNode } from "./programs.ts";
import { followLog, type StartServer, withChildren } from "./server.ts";

const PORT = 8081;
const MODULES_FOLDER = "/usr/lib/apache2/modules";
const MODULES = ["mpm_event", "authz_core", "alias", "asis", "deflate", "filter", "mime", "proxy", "proxy_http"];

const FIELDS = ["%{local}p", "%{remote}p", "%r", "%>s", "%B", "%O", "%{Transfer-Encoding}o", "%{Expect}i"];

/** Apache with its event MPM, several processes of several threads, in front of Node where a request goes to /app/. */
export const startApache: StartServer = async (network, log, folder) => {
  await startNode(network, log, folder);
  const file = followLog(network, log.reader(parse));
  const root = temporaryFolder();
  for (const last of "0123456789abc") writeFileSync(join(root, `small-${last}`), "x".repeat(last.charCodeAt(0)));
  // It gives up being root.
  for (const path of [root, folder]) chmodSync(path, 0o755);
  const config = join(root, "apache.conf");
  writeFileSync(
    config,
    `
ServerRoot ${root}
ServerName localhost
${MODULES.map((name) => `LoadModule ${name}_module ${MODULES_FOLDER}/mod_${name}.so`).join("\n")}
Listen 127.0.0.1:${PORT}
PidFile ${root}/pid
DefaultRuntimeDir ${root}
Mutex file:${root}
ErrorLog "|$exec cat >&2"
LogLevel mpm_event:notice
TypesConfig /dev/null
AddType text/plain .txt
AddOutputFilterByType DEFLATE text/plain
User nobody
Group nogroup
MaxKeepAliveRequests 0
# As many processes from beginning to end: one that is taken back closes connections on which requests wait.
ServerLimit 2
StartServers 2
ThreadLimit 128
ThreadsPerChild 128
MaxRequestWorkers 256
MinSpareThreads 1
MaxSpareThreads 256
LogFormat "${FIELDS.join("\\t")}" fields
CustomLog ${file} fields
Alias /files/ ${folder}/
AliasMatch ^/small/.*(.)$ ${root}/small-$1
ProxyPass /app/ http://127.0.0.1:${APP_PORT}/app/ flushpackets=on
<Directory />
  Require all granted
</Directory>
`,
  );
  const apache = network.start(withChildren(["apache2", "-DFOREGROUND", "-f", config]));
  await apache.match(/resuming normal operations/);
  return { port: PORT, hops: 1 };
};

function parse(line: string): LoggedRequest {
  const [serverPort, clientPort, start, status, bodyBytes, responseBytes, encoding, expect] = line.split("\t") as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const [method, target, protocol] = start.split(" ") as [string, string, string];
  return {
    serverPort: Number(serverPort),
    clientPort: Number(clientPort),
    method,
    path: pathOf(target),
    status: Number(status),
    version: protocol.slice("HTTP/".length),
    responseBodyBytes: Number(bodyBytes),
    ...(encoding === "-" ? { responseBytes: Number(responseBytes) - (expect === "-" ? 0 : CONTINUE_BYTES) } : {}),
  };
}
