import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Network } from "./network.ts";
import { temporaryFolder } from "./nginx.ts";

export interface CurlRequest {
  method: string;
  url: string;
  headers?: readonly string[];
  /** A file whose bytes are the request's body. */
  bodyFile?: string;
}

/** What curl says of a transfer, in its own words (`--write-out '%{json}'`). */
export interface Transfer {
  url: string;
  method: string;
  http_code: number;
  local_ip: string;
  local_port: number;
  remote_ip: string;
  remote_port: number;
  /** Bytes of the head, with what of the body was sent in one piece with it. */
  size_request: number;
  size_upload: number;
  size_header: number;
  size_download: number;
  /** Seconds. */
  time_total: number;
  exitcode: number;
}

/** Sends all requests with one curl, some at a time, over connections that are kept. @returns in the order of their ends */
export async function curlAll(network: Network, requests: readonly CurlRequest[], parallel = 8): Promise<Transfer[]> {
  const file = join(temporaryFolder(), "curl.conf");
  writeFileSync(file, requests.map(section).join("next\n"));
  const text = await network.output("curl", "--parallel", "--parallel-max", String(parallel), "--config", file);
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Transfer);
}

function section({ method, url, headers = [], bodyFile }: CurlRequest): string {
  const lines = [
    `url = "${url}"`,
    method === "HEAD" ? "head" : `request = "${method}"`,
    'output = "/dev/null"',
    'write-out = "%{json}\\n"',
    "silent",
    ...headers.map((header) => `header = "${header}"`),
    ...(bodyFile === undefined ? [] : [`data-binary = "@${bodyFile}"`]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
