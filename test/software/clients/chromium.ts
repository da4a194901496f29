import type { Network } from "../../e2e/support/network.ts";
import { temporaryFolder } from "../../e2e/support/nginx.ts";
import { withChildren } from "../servers/server.ts";

/** What keeps it from doing anything of its own accord. */
const QUIET = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-extensions",
  "--disable-sync",
  "--no-first-run",
];
/** It runs as root, without a display, and writes what pages say on their console to its standard error. */
const HERE = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr"];

/** Shows a page in a new browser until the page says on its console that all has come. */
export async function browse(network: Network, url: string): Promise<void> {
  const folder = temporaryFolder();
  const command = ["chromium", ...HERE, ...QUIET, `--user-data-dir=${folder}`, url];
  const browser = network.start(withChildren(command), { HOME: folder });
  const [line] = await browser.match(/CONSOLE.*(all has come|Uncaught).*/);
  await browser.stop("SIGKILL");
  if (line.includes("Uncaught")) throw new Error(`${url} failed: ${line}`);
}
