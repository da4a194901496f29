import type { Nginx } from "./nginx.ts";
import type { Settings } from "./settings.ts";

/** What every section gets. */
export interface BenchContext {
  /** Running; the same one for all. */
  nginx: Nginx;
  settings: Settings;
  /** A line of progress on standard error. */
  say(line: string): void;
}

/** What a section shows. */
export interface Rendered {
  /** Below the section's heading; its own headings begin at `###`. */
  markdown: string;
  /** SVG texts by file name without ending; shown in the markdown by `![…](plots/NAME.svg)`. */
  plots?: Record<string, string>;
}

/** Something that was promised, beside what was measured. */
export interface Target {
  what: string;
  measured: string;
  met: boolean;
}

/**
 * A part of the benchmark that knows nothing of the others. What it starts it starts through `children.ts`, and ends it
 * before `run` resolves. All that `render` and `targets` need is in the figures, which are kept as JSON.
 */
export interface Section<Figures = unknown> {
  /** Its key in `results.json`, and how the names of its plots begin. */
  name: string;
  title: string;
  /** Left out of quick runs. */
  fullOnly?: true;
  /** @throws Error when it cannot measure: the benchmark then ends with exit code 1 */
  run(context: BenchContext): Promise<Figures>;
  render(figures: Figures): Rendered;
  targets?(figures: Figures): Target[];
}
