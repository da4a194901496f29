import type { DropReason } from "./flow.ts";
import type { BatchFrame } from "./frame.ts";
import type { FrameQueue } from "./frame-queue.ts";
import type { Policy } from "./subscription.ts";

interface QueueLimits {
  /** Events. */
  queueMax: number;
  queueMaxBytes: number;
}

/** Events lost to make room, each kind under its reason. */
type Lose = (frame: BatchFrame, reason: DropReason) => void;

/** Why a frame may not enter a queue; undefined: it may, as far as the limits go. */
type Admission = (frame: BatchFrame, queue: FrameQueue, limits: QueueLimits, lose: Lose) => DropReason | undefined;

const isFull = ({ events, bytes }: BatchFrame, queue: FrameQueue, { queueMax, queueMaxBytes }: QueueLimits): boolean =>
  queue.events + events > queueMax || queue.bytes + bytes > queueMaxBytes;

const dropNewest: Admission = (frame, queue, limits) => (isFull(frame, queue, limits) ? "queue_full" : undefined);

const dropOldest: Admission = (frame, queue, limits, lose) => {
  while (isFull(frame, queue, limits)) {
    const oldest = queue.loseOldest();
    if (oldest === undefined) return "queue_full";
    lose(oldest, "queue_full");
  }
  return undefined;
};

/** Of frames that come while the queue is half full every second enters, at three quarters every fourth, and so on. */
const sample = (): Admission => {
  let offered = 0;
  return (frame, queue, limits) => {
    if (isFull(frame, queue, limits)) return "queue_full";
    const fullness = Math.max(queue.events / limits.queueMax, queue.bytes / limits.queueMaxBytes);
    const oneIn = 2 ** Math.floor(-Math.log2(1 - Math.min(fullness, 1 - 2 ** -16)));
    return offered++ % oneIn === 0 ? undefined : "sampled";
  };
};

/** Of one subscriber: `sample` counts. */
const admissionOf = (policy: Policy): Admission => {
  if (policy === "drop-oldest") return dropOldest;
  return policy === "sample" ? sample() : dropNewest;
};

export type { Admission, QueueLimits };
export { admissionOf };
