import { expect, test } from "bun:test";
import { barChart, lineChart } from "./plot.ts";

/** Of all elements of a name, one attribute as a number. */
const numbers = (svg: string, element: string, attribute: string): number[] =>
  [...svg.matchAll(new RegExp(`<${element} [^>]*\\b${attribute}='([\\d.]+)'`, "g"))].map(([, value]) => Number(value));

test("bars are as long as their values are to one another", () => {
  const svg = barChart({
    title: "t",
    unit: "u",
    bars: [
      { label: "a", value: 2 },
      { label: "b", value: 1 },
      { label: "c", value: 0 },
    ],
  });
  const [a = 0, b = 0, c = 0] = numbers(svg, "rect", "width");
  expect(a).toBeGreaterThan(300);
  expect([a / b, c]).toEqual([2, 0]);
});

test("the spread of the rounds stays within the picture, and a value below zero is drawn as none", () => {
  const svg = barChart({ title: "t", unit: "u", bars: [{ label: "a", value: -1, min: -3, max: 5 }] });
  const [width = 0] = numbers(svg, "svg", "width");
  const ends = [...numbers(svg, "line", "x1"), ...numbers(svg, "line", "x2")];
  expect(Math.max(...ends)).toBeLessThan(width);
  expect(numbers(svg, "rect", "width")).toEqual([0]);
  expect(svg).toContain(">-1<");
});

test("what is ours is drawn in another colour", () => {
  const bars = [
    { label: "theirs", value: 1 },
    { label: "ours", value: 1, mark: true },
  ];
  const svg = barChart({ title: "t", unit: "u", bars });
  const [theirs, ours] = [...svg.matchAll(/<rect [^>]*fill='([^']+)'/g)].map(([, fill]) => fill);
  expect(theirs).not.toBe(ours);
});

const xs = (svg: string): number[] =>
  (svg.match(/<polyline points='([^']*)'/)?.[1] ?? "").split(" ").map((point) => Number(point.split(",")[0]));

test("on a logarithmic axis equal factors are equally far apart, else equal differences", () => {
  const points: [number, number][] = [10, 100, 1000].map((x) => [x, x]);
  const chart = { title: "t", xLabel: "x", yLabel: "y", lines: [{ label: "l", points }] };
  const [a = 0, b = 0, c = 0] = xs(lineChart({ ...chart, logX: true }));
  expect(b - a).toBeCloseTo(c - b, 0);
  const [d = 0, e = 0, f = 0] = xs(lineChart(chart));
  expect((f - e) / (e - d)).toBeCloseTo(10, 0);
});

test.each([
  ["no bar", barChart({ title: "t", unit: "u", bars: [] })],
  ["one point", lineChart({ title: "t", xLabel: "x", yLabel: "y", lines: [{ label: "l", points: [[1, 1]] }] })],
  ["no line", lineChart({ title: "t", xLabel: "x", yLabel: "y", lines: [] })],
])("%s is drawn without a number that is none", (_, svg) => {
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

test("labels cannot break the picture", () => {
  const svg = barChart({ title: "a < b & c", unit: "u", bars: [{ label: "<x>", value: 1 }] });
  expect(svg).toContain("a &lt; b &amp; c");
  expect(svg).toContain("&lt;x&gt;");
});
