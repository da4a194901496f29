import { startNginx } from "../../e2e/support/nginx.ts";
import { CONTINUE_BYTES, type LoggedRequest, pathOf } from "../support/access-log.ts";
import { APP_PORT, startNode } from "./programs.ts";
import { followLog, type StartServer } from "./server.ts";

export const NGINX_PORT = 8080;

const FIELDS = [
  "$server_port",
  "$remote_port",
  "$request_method",
  "$request_uri",
  "$status",
  "$server_protocol",
  "$request_length",
  "$bytes_sent",
  "$body_bytes_sent",
  "$http_transfer_encoding",
  "$sent_http_transfer_encoding",
  "$http_expect",
];

/** nginx, in front of Node where a request goes to /app/. */
export const startNginxServer: StartServer = async (network, log, folder) => {
  await startNode(network, log, folder);
  const file = followLog(network, log.reader(parse));
  await startNginx(
    network,
    `
    log_format fields escape=none '${FIELDS.join("\t")}';
    upstream app { server 127.0.0.1:${APP_PORT}; keepalive 32; }
    server {
      listen ${NGINX_PORT} backlog=1024;
      access_log ${file} fields;
      client_max_body_size 0;
      gzip on; gzip_types text/plain;
      types { text/plain txt; text/html html; text/css css; text/javascript js; image/svg+xml svg; }
      location /small/ {
        add_header Access-Control-Allow-Origin *; add_header Access-Control-Allow-Headers *;
        return 200 "a few bytes$arg_echo";
      }
      location /files/ { alias ${folder}/; }
      location /app/ {
        proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
        proxy_buffering off; proxy_request_buffering off;
      }
    }`,
  );
  return { port: NGINX_PORT, hops: 1 };
};

function parse(line: string): LoggedRequest {
  const [serverPort, clientPort, method, target, status, protocol, requestBytes, responseBytes, bodyBytes, ...rest] =
    line.split("\t") as [string, string, string, string, string, string, string, string, string, ...string[]];
  const [requestEncoding, responseEncoding, expect] = rest;
  const path = pathOf(target);
  return {
    serverPort: Number(serverPort),
    clientPort: Number(clientPort),
    method,
    path,
    status: Number(status),
    version: protocol.slice("HTTP/".length),
    responseHeaderBytes: Number(responseBytes) - Number(bodyBytes),
    // nginx counts a body only where it wants it, and the framing of chunks as part of it.
    ...(path.startsWith("/app/") ? {} : { requestHeaderBytes: Number(requestBytes) }),
    ...(path.startsWith("/app/") && requestEncoding === "" ? { requestBytes: Number(requestBytes) } : {}),
    ...(responseEncoding === "" ? { responseBodyBytes: Number(bodyBytes) - (expect ? CONTINUE_BYTES : 0) } : {}),
  };
}
