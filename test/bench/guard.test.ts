import { afterAll, beforeAll, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./children.ts";
import {
  decodeRatio,
  parserRatio,
  RATIOS,
  type RatioName,
  type Ratios,
  readerRatio,
  recordedRatios,
  trafficRatios,
} from "./guard.ts";

/** Of what was recorded: a gross slowdown, and no machine's whim. */
const LIMIT = 2;
const LIMIT_MILLIS = 90_000;

describeKernel("twice of what it cost when it was recorded it does not cost:", () => {
  let measured: Ratios;

  beforeAll(async () => {
    measured = {
      ...(await trafficRatios()),
      parser: await parserRatio(),
      decode: decodeRatio(),
      reader: await readerRatio(),
    };
  }, LIMIT_MILLIS);
  afterAll(endAll);

  test.each(Object.entries(RATIOS) as [RatioName, string][])("%s: %s", (name) => {
    expect(measured[name]).toBeGreaterThan(0);
    expect(measured[name]).toBeLessThan(LIMIT * recordedRatios()[name]);
  });
});
