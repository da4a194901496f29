import { expect, test } from "bun:test";
import { allowedCpus } from "./allowed-cpus.ts";

test.each([
  ["0", [0]],
  ["0-1", [0, 1]],
  ["2,4-6,9", [2, 4, 5, 6, 9]],
])("the CPUs of %p are told one by one", (list, cpus) => {
  expect(allowedCpus(list)).toEqual(cpus);
});

test("of this process at least one is known", () => {
  expect(allowedCpus().length).toBeGreaterThan(0);
});
