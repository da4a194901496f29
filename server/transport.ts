import type { Payload } from "./frame.ts";

/**
 * What a transport says of one frame, as Bun's `ServerWebSocket.send` does:
 * above 0, the bytes written; -1, taken, but the peer is slow: wait for its drain; 0, not taken: the frame is still the caller's.
 */
type SendStatus = number;

/** One subscriber's way out. Neither call blocks, throws, or calls back before it returns. */
interface Transport {
  /** Bytes are the caller's again when it returns. */
  send(payload: Payload): SendStatus;
  /** Ends the connection with a WebSocket close code; frames taken before are still delivered if the peer reads. */
  close(code: number, reason: string): void;
}

// https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1, and 1013 of the IANA registry: "Try Again Later".
const CLOSE_GOING_AWAY = 1001;
const CLOSE_TRY_AGAIN_LATER = 1013;

export type { SendStatus, Transport };
export { CLOSE_GOING_AWAY, CLOSE_TRY_AGAIN_LATER };
