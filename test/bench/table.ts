import type { Spread } from "./statistics.ts";

/** A table as text: the first column to the left, figures to the right. */
export function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [[title, ...head], ...rows];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Grouped by thousands, without decimals. */
export const whole = (value: number): string => Math.round(value).toLocaleString("en");

/** Three figures that count. */
export const short = (value: number): string => {
  if (value >= 100) return whole(value);
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
};

/** Median, and lowest to highest. */
export const range = ({ median, min, max }: Spread, show = short) => [show(median), `${show(min)}–${show(max)}`];
