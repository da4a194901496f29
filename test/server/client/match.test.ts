import { expect, test } from "bun:test";
import type { HttpEvent } from "../../../ffi/event.ts";
import { matches } from "../../../server/client/match.js";
import type { Match } from "../../../server/client/testing.d.ts";
import { httpEvent } from "../fake.ts";

const event = httpEvent(1, { path: "/pay", status: 201, method: "POST", host: "shop.local" });

const cases: [name: string, wanted: Match<HttpEvent> | ((event: HttpEvent) => boolean), isMatch: boolean][] = [
  ["nothing", {}, true],
  ["a text", { path: "/pay" }, true],
  ["another text", { path: "/pa" }, false],
  ["a number", { status: 201 }, true],
  ["a text in the place of a number", { status: "201" as never }, false],
  ["several", { method: "POST", status: 201 }, true],
  ["several, of which one is not so", { method: "POST", status: 200 }, false],
  ["a pattern", { path: /^\/p/ }, true],
  ["a pattern that remembers", { path: /pay/g }, true],
  ["the same again", { path: /pay/g }, true],
  ["another pattern", { path: /^pay/ }, false],
  ["a function of a member", { status: (status) => status >= 200 && status < 300 }, true],
  ["another", { status: (status) => status >= 500 }, false],
  ["a member of a member", { server: { port: 8080 } }, true],
  ["another", { server: { port: 80 } }, false],
  ["both", { server: { address: "10.0.0.2", port: 8080 }, client: { address: /^10\./ } }, true],
  ["what is absent", { traceparent: "00" }, false],
  ["that it is absent", { traceparent: undefined as never }, true],
  ["a member of what is absent", { answeredBy: { port: 80 } }, false],
  ["a function of all", ({ status }) => status === 201, true],
];
test.each(cases)("%s", (_, wanted, isMatch) => {
  expect(matches(event, wanted)).toBe(isMatch);
});
