/**
 * Where results are written. Figures to quote lie beside the benchmark and are committed; a glance does not replace them.
 * @module
 */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { OUTPUT } from "./output.ts";
import { type Circumstances, type Measured, QUICK_NOTICE } from "./report.ts";
import type { Rendered } from "./section.ts";
import type { Settings } from "./settings.ts";

const ROOT = join(import.meta.dir, "../..");
const TEXT = "RESULTS.md";
const PLOTS = "plots";

/** @returns the files and folders written, from the repository's root */
export function write(
  circumstances: Circumstances,
  measured: readonly Measured[],
  { markdown, plots }: Required<Rendered>,
): string[] {
  const folder = folderFor(circumstances.settings, join(import.meta.dir, TEXT));
  const figures = Object.fromEntries(measured.map(({ section, figures: own }) => [section.name, own]));
  const json = join(OUTPUT, "results.json");
  writeFileSync(json, `${JSON.stringify({ ...circumstances, figures }, null, 2)}\n`);
  const text = join(folder, TEXT);
  writeFileSync(text, markdown);
  const plotFolder = join(folder, PLOTS);
  rmSync(plotFolder, { recursive: true, force: true });
  mkdirSync(plotFolder, { recursive: true });
  for (const [name, svg] of Object.entries(plots)) writeFileSync(join(plotFolder, `${name}.svg`), svg);
  return [text, plotFolder, json].map((file) => relative(ROOT, file));
}

/** @param committed the text with figures to quote, if there is one */
export function folderFor({ quick, only }: Pick<Settings, "quick" | "only">, committed: string): string {
  const beside = join(committed, "..");
  if (only.length > 0) return OUTPUT;
  if (!quick || !existsSync(committed)) return beside;
  return readFileSync(committed, "utf8").includes(QUICK_NOTICE) ? beside : OUTPUT;
}
