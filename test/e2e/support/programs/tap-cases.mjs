import { once } from "node:events";
import { createServer } from "node:http";
import { tapHost } from "kernelcast/testing";

const ROUNDS = 30;

/**
 * What one would test with a tap, for any runner.
 *
 * @param {{ test: (name: string, run: () => Promise<void>, millis?: number) => void, expect: (value: unknown) => any }} runner
 */
export function tapCases({ test, expect }) {
  test("each request is there as soon as it is asked for, once, and nothing else is", async () => {
    const server = createServer((request, response) => {
      response.statusCode = request.url === "/pay" ? 201 : 404;
      response.end("done");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    const send = (/** @type {string} */ path) =>
      fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body: "1" });

    const tap = await tapHost({ url: process.env.SERVICE_URL ?? "", filter: { port } });
    for (let round = 1; round <= ROUNDS; round++) {
      await (await send("/pay")).text();
      await tap.sync();
      expect(tap.requests({ path: "/pay" })).toHaveLength(round);
    }
    await (await send("/refund")).text();
    await tap.sync();
    expect(tap.requests({ path: /^\/re/, status: 404 })).toHaveLength(1);
    expect(tap.requests({ method: "POST", server: { port }, requestBodyBytes: 1 })).toHaveLength(ROUNDS + 1);
    expect(tap.requests(({ status }) => status >= 500)).toHaveLength(0);
    tap.clear();
    await tap.sync();
    expect(tap.requests()).toHaveLength(0);
    await tap.close();
    server.close();
    server.closeAllConnections();
  });

  test("a tap may start a service of its own", async () => {
    const tap = await tapHost({ start: ["--protocols", "http,tcp"] });
    expect(tap.url === process.env.SERVICE_URL).toBe(false);
    await tap.sync();
    await tap.close();
    const isGone = await fetch(tap.url).then(
      () => false,
      () => true,
    );
    expect(isGone).toBe(true);
  }, 30_000);

  test("a flag that is wrong is said, and so is a service that is not there", async () => {
    const fault = (/** @type {Promise<unknown>} */ tap) => tap.catch((error) => error.message);
    expect(await fault(tapHost({ start: ["--path-max", "x"] }))).toContain("--path-max: expected an integer");
    expect(await fault(tapHost({ port: 1 }))).toContain("nothing answers at http://127.0.0.1:1/");
  }, 30_000);
}
