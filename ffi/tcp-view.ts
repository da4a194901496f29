import type { TcpOutcome } from "./event.ts";
import { TimedEventView } from "./event-view.ts";
import { tcp_event as Event, tcp_outcome, tcp_role } from "./layout.generated.ts";

const OUTCOMES = Object.keys(tcp_outcome).map((name) => name.replace("TCP_OUTCOME_", "").toLowerCase() as TcpOutcome);

/** One `struct tcp_event` in place. @throws ExpiredViewError from every accessor after the callback has returned */
export class TcpEventView extends TimedEventView {
  protected get times() {
    return Event;
  }

  get localAddress(): string {
    return this.address(Event.local_address);
  }

  get remoteAddress(): string {
    return this.address(Event.remote_address);
  }

  get localPort(): number {
    return this.u16(Event.local_port);
  }

  get remotePort(): number {
    return this.u16(Event.remote_port);
  }

  get role(): "client" | "server" {
    return this.u8(Event.role) === tcp_role.TCP_ROLE_CLIENT ? "client" : "server";
  }

  /** Exact below 2^53. */
  get bytesSent(): number {
    return this.u64(Event.bytes_sent);
  }

  get bytesReceived(): number {
    return this.u64(Event.bytes_received);
  }

  get retransmits(): number {
    return this.u32(Event.retransmits);
  }

  get outcome(): TcpOutcome {
    return OUTCOMES[this.u8(Event.outcome)] ?? "fin";
  }
}
