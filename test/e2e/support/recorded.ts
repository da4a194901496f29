import { Child } from "./child.ts";
import { CLI, NO_SPANS } from "./service.ts";

const RECORDING = new URL("../../../server/demo.pcap", import.meta.url).pathname;

interface RecordedOptions {
  flags?: readonly string[];
  env?: Record<string, string>;
  /** Put before the command line. */
  prefix?: readonly string[];
}

/** `kernelcast serve` of a recording: all of the service but the kernel, on the tests' own network. */
export function serveRecording({ flags = [], env = {}, prefix = [] }: RecordedOptions = {}): Child {
  const command = [process.execPath, CLI, "serve", `--source=${RECORDING}`, "--no-wait", "--port=0", ...flags];
  return new Child([...prefix, ...command], { ...NO_SPANS, ...env });
}

export interface Recorded {
  process: Child;
  /** `http://127.0.0.1:4320`, or `unix:/run/kernelcast.sock`. */
  url: string;
}

/** Resolves when it serves, and all of the recording has been delivered. */
export async function startRecorded(options: RecordedOptions = {}): Promise<Recorded> {
  const process = serveRecording(options);
  const [, page, socket] = await process.match(/page +(https?:\/\/\S+:\d+)\/\n|--unix-socket (\S+)/);
  await process.match(/80 transactions/);
  return { process, url: page ?? `unix:${socket}` };
}
