/**
 * A subscriber that only counts, so that it takes as little as it can from who produces. At each sync frame it prints what
 * came so far: events by server port and outcome, how many had status 200, gaps, and whether each `seq` came once and in order.
 */
import type { HttpEvent } from "../../../../ffi/event.ts";

interface Count {
  events: number;
  answered: number;
  outcomes: Record<string, number>;
}

const ports: Record<number, Count> = {};
const gaps: unknown[] = [];
let expected = 0;
let disorder = 0;

function take(events: HttpEvent[]): void {
  for (const { seq, server, outcome, status } of events) {
    if (seq !== expected) disorder++;
    expected = seq + 1;
    ports[server.port] ??= { events: 0, answered: 0, outcomes: {} };
    const count = ports[server.port] as Count;
    count.events++;
    count.outcomes[outcome] = (count.outcomes[outcome] ?? 0) + 1;
    if (status === 200) count.answered++;
  }
}

const socket = new WebSocket(process.argv[2] ?? "");
socket.onmessage = ({ data }) => {
  const frame = JSON.parse(data);
  if (frame.type === "batch") take(frame.events);
  else if (frame.type === "gap") gaps.push(frame);
  else {
    if (frame.type === "hello") expected = frame.nextSeq;
    console.log(JSON.stringify({ type: frame.type, id: frame.id, ports, gaps, disorder, lastSeq: expected - 1 }));
  }
};
