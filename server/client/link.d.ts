import type { ConnectError } from "./connect-error.js";
import type { Filter, Gap, Hello, ObservedEvent } from "./index.d.ts";

/** What the service says beside events; `server/frame.ts` has it in full. */
type Message =
  | ({ type: "hello" } & Hello)
  | ({ type: "gap" } & Gap)
  | { type: "sync"; id: number; missingCpus?: number[] }
  | { type: "subscribed"; filter: Filter; fromSeq: number }
  | { type: "heartbeat"; nextSeq: number }
  | { type: "error"; message: string }
  | { type: "end"; code: number; reason: string };

interface LinkOptions {
  service: string;
  subscription: { filter: Filter; since: string | undefined; policy: string | undefined };
  token: string | undefined;
  format: "json" | "binary" | undefined;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  onMessage(message: Message): void;
  /** One or more. */
  onEvents(events: ObservedEvent[]): void;
  /** Undefined: there is room for more events. Otherwise resolves when there is. */
  room(): Promise<void> | undefined;
}

/** One connection, from before it is made to its end. */
interface Link {
  /** Does it take messages, and must it be ended to be paused? */
  readonly kind: "websocket" | "http";
  /** Why it ended, or why it was never made. Never rejects. */
  readonly ended: Promise<{ reason: string; refusal?: ConnectError }>;
  send(message: object): void;
  close(): void;
}

export type { Link, LinkOptions, Message };
