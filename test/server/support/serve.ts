import { http_event } from "../../../ffi/layout.generated.ts";
import type { GuardOptions } from "../../../server/access/guard.ts";
import { createApp } from "../../../server/app.ts";
import { Hub, type HubOptions } from "../../../server/hub.ts";
import { type Listener, listen } from "../../../server/listen.ts";
import { FakeCapture } from "../fake.ts";
import { Synthetic } from "./synthetic.ts";

interface ServeOptions extends Partial<HubOptions> {
  port?: number;
  guard?: GuardOptions;
  synthetic?: Synthetic;
}

const open: Listener[] = [];

/** Ends what {@link serve} began. */
export async function endServing(): Promise<void> {
  for (const listener of open.splice(0)) await listener.close(100);
}

/** A service whose events come from nobody's kernel, and whose barriers are complete at once. */
export function serve({ port = 0, guard, synthetic = new Synthetic(), ...options }: ServeOptions = {}) {
  const history = synthetic.history;
  const hub = new Hub({
    queueMax: 65_536,
    subscriberMax: 100,
    version: "0.0.0",
    history,
    recordLayout: http_event,
    ...options,
  });
  synthetic.feed(hub);
  const capture = new FakeCapture();
  const app = createApp({
    capture,
    hub,
    spans: undefined,
    version: "0.0.0",
    ...(guard !== undefined && { guard }),
  });
  let seq = 0;
  const start = (onPort: number): Listener => {
    const listener = listen({ host: "127.0.0.1", port: onPort, app, hub });
    open.push(listener);
    return listener;
  };
  const listener = start(port);
  return {
    hub,
    capture,
    synthetic,
    listener,
    /** Requests for `/1`, `/2` and so on happen. */
    happen(count: number, fields: { status?: number } = {}): void {
      const events = Array.from({ length: count }, () => ({ target: `/${++seq}`, ...fields }));
      for (let first = 0; first < count; first += 20) synthetic.http(events.slice(first, first + 20));
      synthetic.endTurn();
    },
  };
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(1);
}
