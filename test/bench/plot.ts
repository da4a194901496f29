/**
 * Plots as SVG texts. Their colours stand out from white as well as from black, since an image cannot know what it is shown
 * on.
 * @module
 */

export interface Bar {
  label: string;
  value: number;
  /** The rounds lie between these two. */
  min?: number;
  max?: number;
  /** Ours: stands out. */
  mark?: boolean;
}

export interface BarChart {
  title: string;
  /** Of the values; behind each of them, and below the title. */
  unit: string;
  bars: readonly Bar[];
}

export interface Line {
  label: string;
  /** In the order of x. */
  points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  title: string;
  xLabel: string;
  yLabel: string;
  lines: readonly Line[];
  /** Equal factors, not equal differences, are equally far apart. */
  logX?: boolean;
}

const TEXT = "#7a828c";
const GRID = "#8b949e55";
const MARKED = "#2f81f7";
const PLAIN = "#8b949e";
const SPREAD = "#d29922";
const LINE_COLORS = [MARKED, "#d29922", "#3fb950", "#db61a2", "#a371f7", "#f0883e"];
const WIDTH = 720;
const FONT = "font-family='ui-sans-serif,system-ui,sans-serif' font-size='13'";

/** Horizontal bars from zero, in the order given. */
export function barChart({ title, unit, bars }: BarChart): string {
  const [left, right, top, rowHeight] = [170, 110, 52, 26];
  const most = Math.max(0, ...bars.map(({ value, max }) => max ?? value)) || 1;
  const xOf = (value: number) => left + (Math.max(0, value) / most) * (WIDTH - left - right);
  const rows = bars.map((bar, row) => {
    const y = top + row * rowHeight;
    const middle = y + rowHeight / 2;
    const color = bar.mark ? MARKED : PLAIN;
    const { min = bar.value, max = bar.value } = bar;
    const parts = [
      text(left - 8, middle + 4, bar.label, "end", bar.mark ? "bold" : undefined),
      rect({ x: left, y: y + 4, width: xOf(bar.value) - left, height: rowHeight - 8, color }),
      text(xOf(max) + 8, middle + 4, figure(bar.value), "start", bar.mark ? "bold" : undefined),
    ];
    if (max > min) parts.push(line([xOf(min), middle], [xOf(max), middle], SPREAD, 2));
    return parts.join("");
  });
  const axis = line([left, top], [left, top + bars.length * rowHeight], TEXT);
  return svg(title, top + bars.length * rowHeight + 12, [heading(title, unit), axis, ...rows]);
}

/** Lines over a common x, both axes from the least to the most; y from zero. */
export function lineChart({ title, xLabel, yLabel, lines, logX = false }: LineChart): string {
  const [left, right, top, bottom, height] = [76, 24, 74, 54, 360];
  const points = lines.flatMap((one) => one.points);
  const scale = (x: number) => (logX ? Math.log(x) : x);
  const xs = points.map(([x]) => scale(x));
  const [least, most] = [Math.min(...xs), Math.max(...xs)];
  const highest = ceiling(Math.max(0, ...points.map(([, y]) => y)) || 1);
  const xOf = (x: number) =>
    most === least ? left : left + ((scale(x) - least) / (most - least)) * (WIDTH - left - right);
  const yOf = (y: number) => height - bottom - (y / highest) * (height - bottom - top);

  const rows = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = yOf(share * highest);
    return line([left, y], [WIDTH - right, y], GRID) + text(left - 8, y + 4, figure(share * highest), "end");
  });
  const ticks = [...new Set(points.map(([x]) => x))]
    .sort((a, b) => a - b)
    .filter((x, at, all) => at === 0 || at === all.length - 1 || xOf(x) - xOf(all[at - 1] ?? x) > 24)
    .map((x) => text(xOf(x), height - bottom + 18, figure(x), "middle"));
  const curves = lines.map((one, at) => {
    const color = LINE_COLORS[at % LINE_COLORS.length] ?? PLAIN;
    const path = one.points.map(([x, y]) => `${round(xOf(x))},${round(yOf(y))}`).join(" ");
    const dots = one.points.map(
      ([x, y]) => `<circle cx='${round(xOf(x))}' cy='${round(yOf(y))}' r='3' fill='${color}'/>`,
    );
    return `<polyline points='${path}' fill='none' stroke='${color}' stroke-width='2'/>${dots.join("")}`;
  });
  return svg(title, height, [
    heading(title, yLabel),
    legend(lines, left, WIDTH - right),
    ...rows,
    ...ticks,
    text((left + WIDTH - right) / 2, height - 10, xLabel, "middle"),
    ...curves,
  ]);
}

/** Below the title on the right, as many as fit. */
function legend(lines: readonly Line[], left: number, right: number): string {
  const room = (right - left) / Math.max(1, lines.length);
  return lines
    .map(({ label }, at) => {
      const x = left + at * room;
      const color = LINE_COLORS[at % LINE_COLORS.length] ?? PLAIN;
      return rect({ x, y: 48, width: 10, height: 10, color }) + text(x + 16, 57, label, "start");
    })
    .join("");
}

/** The next number that begins with 1, 2, 4, 6 or 8, and else has zeros. */
function ceiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

/** Three figures that count, thousands as k. */
function figure(value: number): string {
  if (value >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

const round = (value: number): string => String(Math.round(value * 10) / 10);

const heading = (title: string, below: string): string =>
  text(12, 20, title, "start", "bold") + text(12, 38, below, "start");

function text(x: number, y: number, content: string, anchor: "start" | "middle" | "end", weight?: "bold"): string {
  const bold = weight ? ` font-weight='${weight}'` : "";
  return `<text x='${round(x)}' y='${round(y)}' text-anchor='${anchor}'${bold} fill='${TEXT}'>${escaped(content)}</text>`;
}

function rect({ x, y, width, height, color }: { x: number; y: number; width: number; height: number; color: string }) {
  const place = `x='${round(x)}' y='${round(y)}' width='${round(width)}' height='${round(height)}'`;
  return `<rect ${place} rx='2' fill='${color}'/>`;
}

function line(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  color: string,
  width = 1,
): string {
  return `<line x1='${round(x1)}' y1='${round(y1)}' x2='${round(x2)}' y2='${round(y2)}' stroke='${color}' stroke-width='${width}'/>`;
}

const escaped = (content: string): string =>
  content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** title: what a screen reader says. */
function svg(title: string, height: number, parts: readonly string[]): string {
  const size = `width='${WIDTH}' height='${height}' viewBox='0 0 ${WIDTH} ${height}'`;
  const content = [`<title>${escaped(title)}</title>`, ...parts].join("\n");
  return `<svg xmlns='http://www.w3.org/2000/svg' ${size} ${FONT} role='img'>\n${content}\n</svg>\n`;
}
