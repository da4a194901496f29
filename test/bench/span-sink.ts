/**
 * A collector that takes everything and looks at nothing, in a process of its own. Says its URL, and how many requests and
 * bytes it got since it was last asked. `span-sink.ts CPU`
 */
export interface SinkCount {
  requests: number;
  bytes: number;
}

const [cpu = "1"] = process.argv.slice(2);
Bun.spawnSync(["taskset", "--all-tasks", "--cpu-list", "--pid", cpu, String(process.pid)]);

let count: SinkCount = { requests: 0, bytes: 0 };
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    const body = await request.arrayBuffer();
    count.requests++;
    count.bytes += body.byteLength;
    return new Response(null, { headers: { "Content-Type": "application/x-protobuf" } });
  },
});
process.on("message", () => {
  process.send?.(count);
  count = { requests: 0, bytes: 0 };
});
process.send?.(`http://127.0.0.1:${server.port}`);
