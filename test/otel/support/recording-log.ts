import type { Log } from "../../../otel/log.ts";

/** A log that keeps its lines. */
class RecordingLog implements Log {
  readonly infos: string[] = [];
  readonly warnings: string[] = [];

  info(message: string): void {
    this.infos.push(message);
  }

  warn(message: string): void {
    this.warnings.push(message);
  }
}

export { RecordingLog };
