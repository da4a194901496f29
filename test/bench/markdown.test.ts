import { expect, test } from "bun:test";
import { markdownTable } from "./markdown.ts";

test("a table is padded, its figures to the right, and a bar within a cell does not end it", () => {
  const table = markdownTable(
    ["tool", "µs"],
    [
      ["a|b", "1.5"],
      ["longer", "12,345"],
    ],
  );
  expect(table).toBe(
    ["| tool   |     µs |", "| ------ | -----: |", "| a\\|b   |    1.5 |", "| longer | 12,345 |"].join("\n"),
  );
});

test("a row that is too short is filled up", () => {
  expect(markdownTable(["a", "b", "c"], [["x"]])).toEndWith("| x   |     |     |");
});
