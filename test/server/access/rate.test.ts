import { expect, test } from "bun:test";
import { RateLimiter } from "../../../server/access/rate.ts";

const setUp = () => {
  let nowMillis = 0;
  const limiter = new RateLimiter({ perSecond: 10, burst: 3 }, () => nowMillis);
  const takes = (count: number, address = "a") => Array.from({ length: count }, () => limiter.take(address));
  const pass = (millis: number) => {
    nowMillis += millis;
  };
  return { limiter, takes, pass };
};

test("a burst is taken at once, and no more", () => {
  expect(setUp().takes(4)).toEqual([true, true, true, false]);
});

test("the bucket fills at its rate, up to the burst", () => {
  const { takes, pass } = setUp();
  takes(3);
  pass(99);
  expect(takes(1)).toEqual([false]);
  pass(1);
  expect(takes(2)).toEqual([true, false]);
  pass(60_000);
  expect(takes(4)).toEqual([true, true, true, false]);
});

test("each address has a bucket of its own", () => {
  const { takes } = setUp();
  expect(takes(4, "a")).toEqual([true, true, true, false]);
  expect(takes(1, "b")).toEqual([true]);
});

test("what is remembered is bounded, and who asks is remembered longest", () => {
  const { limiter, takes } = setUp();
  takes(3, "first");
  for (let address = 0; address < 4095; address++) limiter.take(`${address}`);
  expect(limiter.take("first")).toBe(false);
  for (let address = 0; address < 4096; address++) limiter.take(`x${address}`);
  expect(limiter.take("first")).toBe(true);
});
