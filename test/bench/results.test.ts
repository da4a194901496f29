import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OUTPUT } from "./output.ts";
import { QUICK_NOTICE } from "./report.ts";
import { folderFor } from "./results.ts";

const folder = mkdtempSync(join(tmpdir(), "kernelcast-results-"));
afterAll(() => rmSync(folder, { recursive: true }));

const FULL = "# Results\n";
const QUICK = `# Results\n\n${QUICK_NOTICE}\n`;

test.each([
  { run: "a full run", quick: false, only: [], found: FULL, to: folder },
  { run: "the first quick run", quick: true, only: [], found: undefined, to: folder },
  { run: "a quick run after another", quick: true, only: [], found: QUICK, to: folder },
  { run: "a quick run after a full one", quick: true, only: [], found: FULL, to: OUTPUT },
  { run: "a run of one section", quick: false, only: ["delay"], found: undefined, to: OUTPUT },
])("$run writes where it replaces nothing better", ({ quick, only, found, to }) => {
  const committed = join(folder, "RESULTS.md");
  rmSync(committed, { force: true });
  if (found !== undefined) writeFileSync(committed, found);
  expect(folderFor({ quick, only }, committed)).toBe(to);
});
