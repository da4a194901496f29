/**
 * What the export side says to the operator, and how often.
 * @module
 */

/** Where messages go. One call is one line. */
interface Log {
  info(message: string): void;
  warn(message: string): void;
}

/** The same thing is said at most this often. */
const REPEAT_INTERVAL_MILLIS = 60_000;

/** Subjects remembered; the limit only matters if messages have no bound in kind, and then forgetting is right. */
const SUBJECTS_MAX = 64;

/** Lets each subject through once per interval and counts what it held back. */
class RepeatLimit {
  readonly #now: () => number;
  readonly #subjects = new Map<string, { untilMillis: number; heldBack: number }>();

  /** @param now a monotonic clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Undefined: keep quiet. Otherwise how many were held back since the subject last came through. */
  pass(subject: string): number | undefined {
    const now = this.#now();
    const known = this.#subjects.get(subject);
    if (known !== undefined && now < known.untilMillis) {
      known.heldBack++;
      return undefined;
    }
    if (this.#subjects.size >= SUBJECTS_MAX) this.#subjects.clear();
    this.#subjects.set(subject, { untilMillis: now + REPEAT_INTERVAL_MILLIS, heldBack: 0 });
    return known?.heldBack ?? 0;
  }
}

/** The line for a message that is let through after `heldBack` like it were not. */
function withHeldBack(message: string, heldBack: number): string {
  return heldBack === 0 ? message : `${message} (and ${heldBack} more like it)`;
}

export { type Log, RepeatLimit, withHeldBack };
