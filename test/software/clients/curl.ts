import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Network } from "../../e2e/support/network.ts";
import { temporaryFolder } from "../../e2e/support/nginx.ts";
import { type LoggedRequest, pathOf } from "../support/access-log.ts";
import type { Client } from "./client.ts";

/** What curl says of a transfer (`--write-out '%{json}'`). */
interface Transfer {
  url: string;
  method: string;
  http_code: number;
  local_port: number;
  remote_port: number;
  size_download: number;
  size_header: number;
  size_request: number;
  size_upload: number;
  exitcode: number;
  errormsg: string | null;
}

/** Transfers that have their options in common. */
export interface Section {
  /** Long options without the dashes, with their value after a space. */
  options?: readonly string[];
  urls: readonly string[];
}

/**
 * Runs one curl over all sections, joined by `next`, on connections that it keeps.
 *
 * @param parallel transfers at a time
 * @returns its own account of what it sent and received, in the order of their ends
 */
export async function curl(network: Network, sections: readonly Section[], parallel = 1): Promise<LoggedRequest[]> {
  const file = join(temporaryFolder(), "curl.conf");
  writeFileSync(file, sections.map(configOf).join("next\n"));
  const concurrency = parallel > 1 ? ["--parallel", "--parallel-immediate", "--parallel-max", String(parallel)] : [];
  const text = await network.output("curl", ...concurrency, "--config", file);
  return text.trim().split("\n").map(requestOf);
}

function configOf({ options = [], urls }: Section): string {
  const common = ["silent", 'write-out = "%{json}\\n"', ...options];
  const transfers = urls.flatMap((url) => ['output = "/dev/null"', `url = "${url}"`]);
  return [...common, ...transfers, ""].join("\n");
}

function requestOf(line: string): LoggedRequest {
  const transfer = JSON.parse(line) as Transfer;
  if (transfer.exitcode !== 0) throw new Error(`curl failed on ${transfer.url}: ${transfer.errormsg}`);
  return {
    serverPort: transfer.remote_port,
    clientPort: transfer.local_port,
    method: transfer.method,
    path: pathOf(new URL(transfer.url).pathname),
    status: transfer.http_code,
    requestBodyBytes: transfer.size_upload,
    responseHeaderBytes: transfer.size_header,
    responseBodyBytes: transfer.size_download,
    // Its size of a request has in it what went along of the body.
    ...(transfer.size_upload === 0 ? { requestHeaderBytes: transfer.size_request } : {}),
  };
}

/** Numbered requests, of four kinds. */
export const curlMany: Client = (network, origin, { connections, requests }) => {
  const kinds = [[], ["head"], ['data = "some=body"'], ['request = "DELETE"']];
  const sections = Array.from({ length: requests }, (_, index) => ({
    options: kinds[index % kinds.length] as string[],
    urls: [`${origin}/small/${index}?echo=${"x".repeat(index % 61)}`],
  }));
  return curl(network, sections, connections);
};
