import { afterEach, expect, test } from "bun:test";
import { tapHost } from "../../../server/client/testing.js";
import { Relay } from "../support/relay.ts";
import { endServing, serve, until } from "../support/serve.ts";
import { Synthetic } from "../support/synthetic.ts";

/** With a real service and real requests: test/e2e/client.test.ts. */

afterEach(endServing);

test("a tap holds what happened since it began, and after a sync all of it", async () => {
  const { listener, happen } = serve();
  happen(3);
  await using tap = await tapHost({ port: listener.port });
  expect(tap.url).toBe(listener.url);
  happen(5, { status: 201 });
  happen(2, { status: 500 });
  await tap.sync();
  expect(tap.requests().map(({ seq }) => seq)).toEqual([4, 5, 6, 7, 8, 9, 10]);
  expect(tap.requests({ status: 500 }).map(({ path }) => path)).toEqual(["/9", "/10"]);
  expect(tap.connections()).toEqual([]);
  tap.clear();
  expect(tap.requests()).toEqual([]);
  happen(1);
  await tap.sync();
  expect(tap.requests()).toHaveLength(1);
});

test("sockets that were closed are beside the requests", async () => {
  const { listener, synthetic } = serve({ protocols: ["http", "tcp"] });
  await using tap = await tapHost({ url: listener.url });
  synthetic.tcp({ bytesSent: 12n });
  synthetic.endTurn();
  await tap.sync();
  expect(tap.requests()).toEqual([]);
  expect(tap.connections({ bytesSent: 12, remote: { port: 80 } })).toHaveLength(1);
});

test("its end is that of the block", async () => {
  const { hub, listener } = serve();
  {
    await using tap = await tapHost({ url: listener.url, filter: { status: 500 } });
    await tap.sync();
    expect(hub.stats().subscribers[0]?.filter).toEqual({ status: ["500"] });
  }
  await until(() => hub.stats().connected === 0);
});

test("a CPU that did not answer makes a sync fail", async () => {
  const { listener, capture } = serve();
  await using tap = await tapHost({ url: listener.url });
  capture.missingCpus.push(1);
  await expect(tap.sync()).rejects.toThrow("transactions may be missing: CPU 1 did not answer in time.");
  capture.missingCpus.pop();
  await tap.sync();
});

test("what was lost makes every sync fail until it is forgotten", async () => {
  const { hub, listener, happen } = serve({ synthetic: new Synthetic({ maxBytes: 0 }) });
  const relay = await Relay.to(listener.port);
  await using tap = await tapHost({ port: relay.port });
  relay.cut();
  await until(() => hub.stats().connected === 0);
  happen(10);
  await until(() => hub.stats().connected === 1);
  for (let again = 0; again < 2; again++)
    await expect(tap.sync()).rejects.toThrow("transactions may be missing: 10 events were lost, from 1 to 10.");
  tap.clear();
  await tap.sync();
  relay.close();
});
