import { describe, expect, test } from "bun:test";
import type { GuardOptions } from "../../../server/access/guard.ts";
import { Tokens } from "../../../server/access/tokens.ts";
import { createApp } from "../../../server/app.ts";
import { Hub } from "../../../server/hub.ts";
import { FakeCapture } from "../fake.ts";

const READ = "reader-0123456789";
const CONTROL = "control-0123456789";
const TOKENS = Tokens.parse(`read ${READ}\ncontrol ${CONTROL}`, "tokens");

const setUp = (options: Partial<GuardOptions> = {}, remoteAddress: string | undefined = "127.0.0.1") => {
  const hub = new Hub({ queueMax: 10, subscriberMax: 10, version: "0.0.0" });
  const guard = { tokens: undefined, allowedHosts: [], allowedOrigins: [], ...options };
  const app = createApp({ capture: new FakeCapture(), hub, spans: undefined, version: "0.0.0", guard });
  /** Does not prove that a WebSocket opens: test/e2e/access.test.ts does. */
  const upgrades: Record<string, string>[] = [];
  const upgrade = (headers: Record<string, string>) => upgrades.push(headers) > 0;
  const request = (target: string, headers: Record<string, string> = {}) => {
    const [method = "", path = ""] = target.split(" ");
    return app.request(path, { method, headers: { Host: "127.0.0.1:4320", ...headers } }, { upgrade, remoteAddress });
  };
  return { request, upgrades };
};

const codeOf = async (response: Response): Promise<string | undefined> =>
  ((await response.json()) as { error?: { code: string } }).error?.code;

const UPGRADE = { Upgrade: "websocket", Connection: "Upgrade" };

describe("without tokens", () => {
  test.each<[string, string, Record<string, string>, number, string]>([
    ["a name that was made to point here", "GET /stats", { Host: "rebound.example:4320" }, 421, "bad_host"],
    ["the same, for the page", "GET /", { Host: "rebound.example" }, 421, "bad_host"],
    ["a page of another site posts", "POST /sync", { Origin: "https://evil.example" }, 403, "bad_origin"],
    [
      "a page of another site opens a WebSocket",
      "GET /ws",
      { ...UPGRADE, Origin: "https://evil.example" },
      403,
      "bad_origin",
    ],
    ["a page without an origin", "GET /ws", { ...UPGRADE, Origin: "null" }, 403, "bad_origin"],
    ["another port of this machine", "POST /sync", { Origin: "http://127.0.0.1:3000" }, 403, "bad_origin"],
    ["a token in the URL", "GET /stats?token=x", {}, 400, "token_in_url"],
    ["an access_token in the URL", "GET /ws?access_token=x", UPGRADE, 400, "token_in_url"],
  ])("%s is refused", async (_, target, headers, status, code) => {
    const { request, upgrades } = setUp();
    const response = await request(target, headers);
    expect([response.status, await codeOf(response)]).toEqual([status, code]);
    expect(upgrades).toEqual([]);
  });

  test.each<[string, Record<string, string>]>([
    ["a program", {}],
    ["our own page", { Origin: "http://127.0.0.1:4320" }],
  ])("%s may do all", async (_, headers) => {
    const { request, upgrades } = setUp();
    expect((await request("POST /sync", headers)).status).toBe(200);
    await request("GET /ws", { ...UPGRADE, ...headers });
    expect(upgrades).toHaveLength(1);
  });

  test("on a Unix socket no name is looked at", async () => {
    const { request } = setUp({}, "");
    expect((await request("GET /stats", { Host: "whatever" })).status).toBe(200);
  });
});

describe("with tokens", () => {
  const guarded: [string, string | undefined, number, string][] = [
    ["GET /stats", undefined, 401, "no_token"],
    ["GET /stats", "", 401, "no_token"],
    ["GET /stats", READ.slice(0, -1), 401, "bad_token"],
    ["GET /stats", `${READ}x`, 401, "bad_token"],
    ["GET /stats", "something-else-entirely", 401, "bad_token"],
    ["GET /stats", READ, 200, ""],
    ["GET /stats", CONTROL, 200, ""],
    ["GET /metrics", undefined, 401, "no_token"],
    ["GET /openapi.json", undefined, 401, "no_token"],
    ["GET /nothing", undefined, 401, "no_token"],
    ["POST /sync", undefined, 401, "no_token"],
    ["POST /sync", READ, 403, "insufficient_scope"],
    ["POST /sync", CONTROL, 200, ""],
    ["PUT /protocols/http", READ, 403, "insufficient_scope"],
    ["GET /", undefined, 200, ""],
    ["GET /page.js", undefined, 200, ""],
    ["GET /healthz", undefined, 200, ""],
    ["GET /readyz", undefined, 200, ""],
  ];
  test.each(guarded)("%s with %j answers %d %s", async (target, token, status, code) => {
    const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const response = await setUp({ tokens: TOKENS }).request(target, headers);
    expect(response.status).toBe(status);
    if (code !== "") expect(await codeOf(response)).toBe(code);
    expect(response.headers.has("WWW-Authenticate")).toBe(code !== "");
  });

  test("a browser's WebSocket carries it as a subprotocol, which is not answered", async () => {
    const { request, upgrades } = setUp({ tokens: TOKENS });
    const offer = { ...UPGRADE, "Sec-WebSocket-Protocol": `kernelcast.v1.json, kernelcast.token.${READ}` };
    await request("GET /ws", offer);
    expect(upgrades).toEqual([{ "Sec-WebSocket-Protocol": "kernelcast.v1.json" }]);
    const refused = await request("GET /ws", {
      ...UPGRADE,
      "Sec-WebSocket-Protocol": "kernelcast.token.wrong-wrong-wrong",
    });
    expect([refused.status, upgrades.length]).toEqual([401, 1]);
  });

  test("no answer to a wrong token repeats it", async () => {
    const response = await setUp({ tokens: TOKENS }).request("GET /stats", {
      Authorization: "Bearer hunter2-hunter2-hunter2",
    });
    expect(JSON.stringify([...response.headers]) + (await response.text())).not.toContain("hunter2");
  });

  describe("who guesses", () => {
    const HOLD_MILLIS = 100;
    const exhausted = async () => {
      const { request } = setUp({
        tokens: TOKENS,
        failureLimit: { perSecond: 0, burst: 3 },
        failureHoldMillis: HOLD_MILLIS,
      });
      const guess = async () => request("GET /stats", { Authorization: "Bearer guess-guess-guess-1" });
      const statuses: number[] = [];
      for (let count = 0; count < 3; count++) statuses.push((await guess()).status);
      expect(statuses).toEqual([401, 401, 401]);
      return { request, guess };
    };

    test("waits for each further answer, which says no more", async () => {
      const { guess } = await exhausted();
      const began = performance.now();
      const answers = [await guess(), await guess()];
      expect(performance.now() - began).toBeGreaterThanOrEqual(2 * HOLD_MILLIS - 2);
      expect(answers.map(({ status }) => status)).toEqual([429, 429]);
      expect(await Promise.all(answers.map(codeOf))).toEqual(["too_many_failures", "too_many_failures"]);
    });

    test("keeps nobody out who knows, and those do not wait", async () => {
      const { request, guess } = await exhausted();
      const order: string[] = [];
      const guesses = Array.from({ length: 10 }, () => guess().then(({ status }) => order.push(`guess ${status}`)));
      for (const target of ["GET /stats", "POST /sync", "GET /healthz"]) {
        const { status } = await request(target, { Authorization: `Bearer ${CONTROL}` });
        order.push(`${target} ${status}`);
      }
      await Promise.all(guesses);
      expect(order.slice(0, 4)).toEqual(["GET /stats 200", "POST /sync 200", "GET /healthz 200", "guess 429"]);
    });

    test("is not who knows too little, or nothing", async () => {
      const { request } = await exhausted();
      expect((await request("POST /sync", { Authorization: `Bearer ${READ}` })).status).toBe(403);
      expect((await request("GET /stats")).status).toBe(401);
    });
  });
});

describe("a site that may ask", () => {
  const allowedOrigins = ["https://grafana.example"];
  const headers = { Origin: "https://grafana.example" };

  test("is told so", async () => {
    const response = await setUp({ allowedOrigins }).request("GET /stats", headers);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("https://grafana.example");
    expect(response.headers.get("Vary")).toBe("Origin");
  });

  test("may ask before it asks, without a token", async () => {
    const response = await setUp({ allowedOrigins, tokens: TOKENS }).request("OPTIONS /sync", {
      ...headers,
      "Access-Control-Request-Method": "POST",
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("Access-Control-Allow-Headers")).toContain("Authorization");
  });
});

test("another machine may not ask too often; this one may", async () => {
  const requestLimit = { perSecond: 0, burst: 2 };
  const statuses = async (remote: string) => {
    const { request } = setUp({ requestLimit }, remote);
    return [await request("GET /healthz"), await request("GET /healthz"), await request("GET /healthz")].map(
      (r) => r.status,
    );
  };
  expect(await statuses("192.0.2.1")).toEqual([200, 200, 429]);
  expect(await statuses("::ffff:127.0.0.1")).toEqual([200, 200, 200]);
});

test("every answer forbids what no answer needs", async () => {
  for (const target of ["GET /", "GET /stats", "GET /nothing", "POST /sync"]) {
    const { headers } = await setUp().request(target);
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("X-Frame-Options")).toBe("DENY");
  }
});
