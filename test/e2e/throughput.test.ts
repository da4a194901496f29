import { afterAll, beforeAll, expect, test } from "bun:test";
import type { PartialReceipt, Stats } from "../../server/schema.ts";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx } from "./support/nginx.ts";
import { Service } from "./support/service.ts";
import { Counter, type CounterReport } from "./support/subscriber.ts";

const SECONDS = 10;
const CONNECTIONS = 32;
const LIMIT_MILLIS = 60_000;
const PORT = 8080;
const STATUS_PORT = 8081;

const HTTP = `
keepalive_requests 1000000;
server { listen 127.0.0.1:${PORT}; location / { return 200 "hello"; } }
server { listen 127.0.0.1:${STATUS_PORT}; location / { stub_status; } }`;

describeKernel(`wrk at full speed for ${SECONDS} s`, () => {
  /** What wrk counted: responses that it read. */
  let wrkResponses: number;
  let wrkErrors: string | undefined;
  /** What nginx counted on wrk's port: requests that it read, also those whose response wrk did not wait for. */
  let nginxRequests: number;
  let report: CounterReport;
  let receipt: PartialReceipt;
  let stats: Stats;

  beforeAll(async () => {
    const network = await Network.open();
    const service = await Service.start(network);
    await startNginx(network, HTTP);
    const counter = await Counter.start(network, service.url);
    // It counts the question, too.
    const requestsSoFar = async () => {
      const text = await network.output("curl", "--silent", `http://127.0.0.1:${STATUS_PORT}/`);
      return Number(text.match(/requests\n \d+ \d+ (\d+)/)?.[1]);
    };
    const before = await requestsSoFar();
    const text = await network.output(
      "wrk",
      "--threads=1",
      `--connections=${CONNECTIONS}`,
      `--duration=${SECONDS}s`,
      `http://127.0.0.1:${PORT}/`,
    );
    nginxRequests = (await requestsSoFar()) - before - 1;
    wrkResponses = Number(text.match(/(\d+) requests in/)?.[1]);
    wrkErrors = text.match(/Socket errors.*|Non-2xx.*/)?.[0];
    receipt = await service.sync();
    report = await counter.report(receipt.id);
    stats = await service.stats();
  }, LIMIT_MILLIS);

  afterAll(async () => {
    await endAll();
    removeFolders();
  }, LIMIT_MILLIS);

  test("wrk and nginx worked, and differ by no more than what was under way when wrk stopped", () => {
    expect(wrkErrors).toBeUndefined();
    expect(wrkResponses).toBeGreaterThan(0);
    expect(nginxRequests - wrkResponses).toBeWithin(0, CONNECTIONS + 1);
  });

  test("every request that nginx counted was delivered, complete and with its status", () => {
    expect(report.ports[PORT]).toEqual({
      events: nginxRequests,
      answered: nginxRequests,
      outcomes: { complete: nginxRequests },
    });
  });

  test("each came once, in order and without a gap", () => {
    const events = nginxRequests + 2;
    expect(report).toMatchObject({ gaps: [], disorder: 0, lastSeq: events });
  });

  test("nothing was dropped between the kernel and the subscriber, and the ledger says so", () => {
    const events = nginxRequests + 2;
    expect(receipt.protocols).toEqual({ http: { observed: events, enqueued: events, delivered: events, dropped: {} } });
    expect([receipt.balanced, stats.imbalances]).toEqual([true, []]);
    expect(stats.subscribers.total).toEqual({ delivered: events, sent: events, filtered: 0, dropped: {}, queued: 0 });
    expect(stats.reader).toMatchObject({ lost_records: 0, out_of_order: 0, malformed: 0 });
    expect(stats.following.http).toMatchObject({ gaps: 0, unread: 0 });
    expect(stats.following.http?.refused).toEqual({});
  });
});
