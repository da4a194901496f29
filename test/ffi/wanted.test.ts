import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { KernelCapture } from "../../ffi/capture.ts";
import type { Network, ObservedEvent, WantedTransactions } from "../../ffi/event.ts";
import { isCheckable } from "../../ffi/wanted.ts";
import { describeKernel } from "../kernel.ts";
import { ipv4, ipv6 } from "./support/ring.ts";

const net = (address: Uint8Array, prefixLength: number): Network => ({ address, prefixLength });

describe("isCheckable()", () => {
  test.each<[string, WantedTransactions, boolean]>([
    ["no condition", {}, true],
    ["32 ports", { serverPorts: Array.from({ length: 32 }, (_, port) => port) }, true],
    ["33 ports", { serverPorts: Array.from({ length: 33 }, (_, port) => port) }, false],
    ["a list that nothing can be of", { serverPorts: [] }, false],
    ["the classes of a status, and none", { statusClasses: [0, 1, 2, 3, 4, 5] }, true],
    ["a class that there is not", { statusClasses: [6] }, false],
    ["9 networks", { clientNetworks: Array.from({ length: 9 }, () => net(ipv4(10, 0, 0, 0), 104)) }, false],
  ])("%s", (_, wanted, checkable) => expect(isCheckable(wanted)).toBe(checkable));
});

describeKernel("setWanted()", () => {
  const seen: ObservedEvent[] = [];
  let capture: KernelCapture;
  let server: ReturnType<typeof Bun.serve>;

  beforeAll(async () => {
    capture = new KernelCapture({ sharedRingBytes: 1 << 20, ringBytes: 1 << 16 }, [
      { offer: (batch) => void seen.push(...batch) },
    ]);
    await capture.start();
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => new Response("", { status: Number(new URL(request.url).pathname.slice(1)) }),
    });
  });

  afterAll(async () => {
    await capture.stop();
    capture.close();
    await server.stop(true);
  });

  /** Of one transaction for each status, from another process, so that they are not left out as our own: those that come. */
  const statuses = async (...wanted: number[]): Promise<number[]> => {
    seen.length = 0;
    const urls = wanted.map((status) => `http://127.0.0.1:${server.port}/${status}`);
    await Bun.spawn(["curl", "--silent", "--noproxy", "*", ...urls], { stdout: "ignore" }).exited;
    await capture.sync();
    const ours = seen.flatMap((event) =>
      event.protocol === "http" && event.server.port === server.port ? [event] : [],
    );
    return ours.map(({ status }) => status);
  };

  const loopback = net(ipv4(127, 0, 0, 0), 104);
  const elsewhere = net(ipv4(10, 0, 0, 0), 104);
  const ipv6Host = net(ipv6(0xfe80, 0, 0, 0, 0, 0, 0, 1), 128);

  test.each<[string, () => WantedTransactions | undefined, number[]]>([
    ["nothing is left out without conditions", () => undefined, [200, 404, 500]],
    ["nor with empty ones", () => ({}), [200, 404, 500]],
    ["a status class", () => ({ statusClasses: [5] }), [500]],
    ["of two status classes either", () => ({ statusClasses: [2, 4] }), [200, 404]],
    ["the server's port", () => ({ serverPorts: [1, server.port as number] }), [200, 404, 500]],
    ["another port", () => ({ serverPorts: [1, 2] }), []],
    ["the client's network", () => ({ clientNetworks: [elsewhere, loopback] }), [200, 404, 500]],
    ["another network", () => ({ clientNetworks: [elsewhere, ipv6Host] }), []],
    ["the server's network", () => ({ serverNetworks: [loopback] }), [200, 404, 500]],
    ["another network of the server", () => ({ serverNetworks: [elsewhere] }), []],
    ["all conditions together", () => ({ statusClasses: [4], serverNetworks: [loopback] }), [404]],
    ["one of them that does not hold", () => ({ statusClasses: [4], serverPorts: [1] }), []],
    ["and all again when they are lifted", () => undefined, [200, 404, 500]],
  ])("%s", async (_, wanted, expected) => {
    expect(capture.setWanted(wanted())).toBe(true);
    await capture.sync();
    const before = capture.stats().protocols.http?.filtered ?? 0;
    expect(await statuses(200, 404, 500)).toEqual(expected);
    const { http } = capture.stats().protocols;
    expect((http?.filtered ?? 0) - before).toBeGreaterThanOrEqual(3 - expected.length);
    expect(http?.observed).toBe((http?.enqueued ?? 0) + (http?.filtered ?? 0));
  });

  test("what the kernel cannot check is wanted, and the answer says so", async () => {
    expect(capture.setWanted({ statusClasses: [5] })).toBe(true);
    await capture.sync();
    expect(capture.setWanted({ statusClasses: [7] })).toBe(false);
    await capture.sync();
    expect(await statuses(200)).toEqual([200]);
  });
});
