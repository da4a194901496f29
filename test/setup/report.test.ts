import { describe, expect, test } from "bun:test";
import { readBunRun, summarize } from "../runner/report.mjs";

const closing = (pass: number, fail: number, more = "") => `
 ${pass} pass
${more} ${fail} fail
 9 expect() calls
Ran ${pass + fail} tests across 2 files. [1.00s]
`;

describe("a run of bun test", () => {
  test("that passed", () => {
    expect(readBunRun({ code: 0, output: closing(12, 0), junit: "" })).toEqual({ passed: 12, failed: 0, skipped: [] });
  });

  test("with failures", () => {
    expect(readBunRun({ code: 1, output: closing(10, 2), junit: "" })).toMatchObject({ passed: 10, failed: 2 });
  });

  test("whose counts appear in the output of a test, is counted by its own closing lines", () => {
    const output = ` 99 pass\n 3 fail\n${closing(4, 0)}`;
    expect(readBunRun({ code: 0, output, junit: "" })).toMatchObject({ passed: 4, failed: 0 });
  });

  test.each([
    ["crashed", { code: 139, output: " 3 pass\n" }, /before its summary \(exit code 139\)/],
    ["ended badly though no test failed", { code: 1, output: closing(3, 0) }, /exit code 1/],
    ["had errors outside a test", { code: 1, output: closing(3, 0, " 1 error\n") }, /1 error/],
    ["ran no test", { code: 0, output: closing(0, 0) }, /no test/],
  ])("that %s has failed", (_, run, problem) => {
    const outcome = readBunRun({ ...run, junit: "" });
    expect(outcome.failed).toBeGreaterThan(0);
    expect(outcome.problem).toMatch(problem);
  });

  test("names what it skipped, a group in one line", () => {
    const junit = `
      <testcase name="one" classname="inner &gt; kernel [skipped: not root]" time="0" file="test/a.test.ts" line="4" assertions="0">
        <skipped />
      </testcase>
      <testcase name="fine" classname="" time="0" file="test/a.test.ts" line="9" assertions="1" />
      <testcase name="a &amp; b" classname="g" time="0" file="test/b.test.ts" line="4" assertions="0">
        <skipped message="TODO" />
      </testcase>
      <testcase name="c" classname="g" time="0" file="test/b.test.ts" line="5" assertions="0">
        <skipped />
      </testcase>`;
    expect(readBunRun({ code: 0, output: closing(1, 0), junit }).skipped).toEqual([
      "test/a.test.ts > kernel [skipped: not root] > inner > one",
      "test/b.test.ts > g: 2 tests",
    ]);
  });
});

describe("the end of a run", () => {
  test("is the skipped, then one line of counts", () => {
    const end = summarize([
      { passed: 1, failed: 0, skipped: [] },
      { passed: 40, failed: 0, skipped: ["x: not root"] },
    ]);
    expect(end).toEqual({ lines: ["skipped: x: not root", "41 passed, 0 failed"], exitCode: 0 });
  });

  test("fails with any failure, and with nothing passed", () => {
    expect(summarize([{ passed: 9, failed: 1, skipped: [] }]).exitCode).toBe(1);
    expect(summarize([]).exitCode).toBe(1);
  });
});
