import { EventBatch } from "../../../ffi/batch.ts";
import { type ClockOffset, clockOffset } from "../../../ffi/clock.ts";
import { decodeHttpEvent, decodeTcpEvent } from "../../../ffi/decode.ts";
import { Delivery } from "../../../ffi/delivery.ts";
import type { Sink } from "../../../ffi/event.ts";
import { BatchHistory } from "../../../ffi/history.ts";
import { http_event } from "../../../ffi/layout.generated.ts";
import { http, tcp } from "../../../ffi/protocol.ts";
import { TargetPolicy } from "../../../ffi/target-policy.ts";
import { type HttpFields, httpBatch, ipv4, type TcpFields, tcpBatch } from "../../ffi/support/ring.ts";

const CLOCK: ClockOffset = clockOffset(0n);

/**
 * Batches as the reader hands them out, from nobody's kernel: what comes before {@link Delivery} is not there, and so nothing
 * is said of it.
 */
export class Synthetic {
  readonly policy: TargetPolicy;
  readonly #eventSize: number;
  readonly history: BatchHistory;
  #delivery: Delivery | undefined;

  constructor({
    maxBytes = 1 << 20,
    maxAgeMillis = 60_000,
    policy = new TargetPolicy(),
    nowMillis = () => performance.now(),
    eventSize = http_event.SIZE as number,
  } = {}) {
    this.policy = policy;
    this.#eventSize = eventSize;
    this.history = new BatchHistory({ maxBytes, maxAgeMillis }, policy, nowMillis);
  }

  feed(...sinks: Sink[]): void {
    this.#delivery = new Delivery(sinks, () => CLOCK, this.policy, this.history);
  }

  http(events: HttpFields[]): void {
    const batch = httpBatch(events, { cpu: 1, eventSize: this.#eventSize });
    this.#delivery?.take({ protocol: http, decode: decodeHttpEvent }, new EventBatch(batch, http.viewOf));
    batch.expire();
  }

  tcp(event: Partial<TcpFields>): void {
    const batch = tcpBatch({ ...CONNECTION, ...event }, 1);
    this.#delivery?.take({ protocol: tcp, decode: decodeTcpEvent }, new EventBatch(batch, tcp.viewOf));
    batch.expire();
  }

  endTurn(): void {
    this.#delivery?.endTurn();
  }
}

const CONNECTION: TcpFields = {
  startNs: 1n,
  endNs: 2n,
  bytesSent: 0n,
  bytesReceived: 0n,
  local: ipv4(10, 0, 0, 1),
  remote: ipv4(10, 0, 0, 2),
  localPort: 40_000,
  remotePort: 80,
  retransmits: 0,
  role: 0,
  outcome: 0,
};
