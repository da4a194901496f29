import { expect, test } from "bun:test";
import { parseTraceparent } from "../../otel/traceparent.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

test.each([
  ["version 00", `00-${TRACE}-${SPAN}-01`, 1],
  ["no flag set", `00-${TRACE}-${SPAN}-00`, 0],
  ["every flag set", `00-${TRACE}-${SPAN}-ff`, 255],
  ["white space around it", ` 00-${TRACE}-${SPAN}-01\t`, 1],
  ["a later version of the same length", `01-${TRACE}-${SPAN}-01`, 1],
  ["a later version with more fields", `cc-${TRACE}-${SPAN}-01-what-the-future-brings`, 1],
  ["a later version that ends in a dash", `cc-${TRACE}-${SPAN}-01-`, 1],
])("valid: %s", (_name, header, traceFlags) => {
  expect(parseTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags });
});

test.each([
  ["nothing", ""],
  ["version ff", `ff-${TRACE}-${SPAN}-01`],
  ["version 00 with more fields", `00-${TRACE}-${SPAN}-01-more`],
  ["version 00 with a dash at its end", `00-${TRACE}-${SPAN}-01-`],
  ["a later version with more digits but no dash", `cc-${TRACE}-${SPAN}-012`],
  ["a version that is not hexadecimal", `0x-${TRACE}-${SPAN}-01`],
  ["a trace id of zeros", `00-${"0".repeat(32)}-${SPAN}-01`],
  ["a span id of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
  ["a later version with a trace id of zeros", `01-${"0".repeat(32)}-${SPAN}-01`],
  ["upper-case digits", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ["a short trace id", `00-${TRACE.slice(1)}-${SPAN}-01`],
  ["a long span id", `00-${TRACE}-${SPAN}0-01`],
  ["flags of one digit", `00-${TRACE}-${SPAN}-1`],
  ["no flags", `00-${TRACE}-${SPAN}`],
  ["two headers joined by a comma", `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`],
])("not valid: %s", (_name, header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});
