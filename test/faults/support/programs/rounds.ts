/**
 * Rounds of "send some requests, await their responses, POST /sync, count what a subscriber got before the sync frame", with
 * further syncs at random moments. Prints one line: what was done and, of the rounds that went wrong, the first few.
 */
import type { HttpEvent } from "../../../../ffi/event.ts";
import type { PartialReceipt } from "../../../../server/schema.ts";
import { seededRandom } from "../../../otel/support/random.ts";

export interface RoundsReport {
  rounds: number;
  requests: number;
  syncs: number;
  /** Barriers that several calls shared. */
  shared: number;
  /** Events of others that came in between. */
  background: number;
  faults: string[];
}

const PREFIX = "/own/";
const REQUESTS_MAX = 20;
const SYNCS_MAX = 8;
const FAULTS_MAX = 5;

const [, , service = "", server = "", rounds = "0", seed = "1"] = process.argv;
const random = seededRandom(Number(seed));
const upTo = (max: number) => Math.floor(random() * (max + 1));

const seen = new Set<string>();
const seenAtSync = new Map<number, number>();
const calls = new Map<number, number>();
const faults: string[] = [];
let sent = 0;
let answered = 0;
let background = 0;
let wake = () => {};

function fault(text: string): void {
  if (faults.length < FAULTS_MAX) faults.push(text);
}

function take({ path, status, outcome, server: { port } }: HttpEvent): void {
  if (!path.startsWith(PREFIX)) {
    background++;
    return;
  }
  if (seen.has(path)) fault(`${path} came twice`);
  if (status !== 200 || outcome !== "complete" || port !== Number(new URL(server).port))
    fault(`${path}: ${status} ${outcome} at port ${port}`);
  seen.add(path);
}

const socket = new WebSocket(`${service.replace("http", "ws")}/ws`);
const subscribed = Promise.withResolvers<void>();
socket.onmessage = ({ data }) => {
  const frame = JSON.parse(data);
  if (frame.type === "batch") for (const event of frame.events as HttpEvent[]) take(event);
  else if (frame.type === "hello") subscribed.resolve();
  else if (frame.type === "sync") {
    seenAtSync.set(frame.id, seen.size);
    if (frame.missingCpus !== undefined) fault(`sync ${frame.id}: CPUs ${frame.missingCpus} did not answer`);
    wake();
  } else if (frame.type !== "heartbeat") fault(`unexpected ${data}`);
};
socket.onclose = ({ code }) => {
  console.error(`the subscription was closed with ${code}`);
  process.exit(1);
};

async function request(): Promise<void> {
  const response = await fetch(`${server}${PREFIX}${sent++}`);
  await response.text();
  if (response.status !== 200) fault(`a request was answered ${response.status}`);
  answered++;
}

/** @returns what had come when the barrier's own frame did; at least what had been answered before the call */
async function sync(): Promise<number> {
  const before = answered;
  const response = await fetch(`${service}/sync`, { method: "POST" });
  const { id, balanced } = (await response.json()) as PartialReceipt;
  if (response.status !== 200 || !balanced) fault(`sync ${id}: ${response.status}, balanced ${balanced}`);
  calls.set(id, (calls.get(id) ?? 0) + 1);
  while (!seenAtSync.has(id)) await new Promise<void>((resolve) => (wake = chain(wake, resolve)));
  const count = seenAtSync.get(id) as number;
  if (count < before) fault(`sync ${id}: ${count} of the ${before} answered before it had come`);
  return count;
}

/** Several may wait for the next frame. */
function chain(first: () => void, second: () => void): () => void {
  return () => {
    first();
    second();
  };
}

async function round(index: number): Promise<void> {
  const others: Promise<number>[] = [];
  const further = upTo(SYNCS_MAX);
  const after = upTo(further);
  for (let left = upTo(REQUESTS_MAX); left > 0; ) {
    // One after the other on one connection, or some at once on several.
    const together = Math.min(left, 1 + upTo(3));
    left -= together;
    if (others.length < further - after) others.push(sync());
    await Promise.all(Array.from({ length: together }, request));
  }
  while (others.length < further - after) others.push(sync());
  const own = sync();
  while (others.length < further) others.push(sync());
  const count = await own;
  if (count !== sent) fault(`round ${index}: ${sent} requests sent so far, ${count} delivered before the sync frame`);
  await Promise.all(others);
  wake = () => {};
}

await subscribed.promise;
for (let index = 0; index < Number(rounds); index++) await round(index);
const report: RoundsReport = {
  rounds: Number(rounds),
  requests: sent,
  syncs: [...calls.values()].reduce((sum, count) => sum + count, 0),
  shared: [...calls.values()].filter((count) => count > 1).length,
  background,
  faults,
};
console.log(JSON.stringify(report));
process.exit(0);
