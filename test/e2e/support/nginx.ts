import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Child } from "./child.ts";
import type { Network } from "./network.ts";

const folders = new Set<string>();

/** A folder for the test's files; `removeFolders` removes it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "kernelcast-e2e-"));
  folders.add(folder);
  return folder;
}

export function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

/** Starts nginx, one process, with `http` as the inside of its http block. Resolves when it listens. */
export async function startNginx(network: Network, http: string): Promise<Child> {
  const folder = temporaryFolder();
  const file = join(folder, "nginx.conf");
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join("\n");
  writeFileSync(
    file,
    `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr notice;
events { worker_connections 1024; }
http {
access_log off;
${paths}
${http}
}
`,
  );
  const nginx = network.start(["nginx", "-p", folder, "-c", file, "-e", "stderr"]);
  // It has bound its ports before it says this.
  await nginx.match(/using the "epoll" event method/);
  return nginx;
}
