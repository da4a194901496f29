import { afterEach, expect, test } from "bun:test";
import { endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { removeFolders } from "../e2e/support/nginx.ts";
import { Service } from "../e2e/support/service.ts";
import { describeKernel } from "../kernel.ts";
import { Server, startWrk } from "./support/load.ts";
import { program } from "./support/own.ts";

const TIMES = 5;
const LIMIT_MILLIS = 60_000;

describeKernel("POST /sync while the service ends", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  test(
    `under load, ${TIMES} times: each call is answered 200, 409 or not at all, none is left hanging, and the end is orderly`,
    async () => {
      for (let time = 0; time < TIMES; time++) {
        const network = await Network.open();
        const service = await Service.start(network);
        await Server.start(network);
        const wrk = startWrk(network, { seconds: 60, connections: 8 });
        const answers: string[] = [];
        const caller = program(network, "caller", [service.url], (line) => answers.push(line));
        await caller.until(() => answers.filter((answer) => answer === "200").length > 20);
        expect(await service.stop(time % 2 === 0 ? "SIGTERM" : "SIGINT")).toBe(0);
        // It ends by itself once its calls are refused, which a call that hangs would keep it from.
        expect(await caller.outcome()).toMatchObject({ stderr: "", exitCode: 0 });
        await wrk.stop();
        expect(new Set(answers).difference(new Set(["200", "409 capture_stopped", "refused", "closed"]))).toEqual(
          new Set(),
        );
        const [, observed, delivered, dropped] = service.process.stdout.match(/http: (\d+) .*, (\d+) .*, (\d+) /) ?? [];
        expect(Number(delivered) + Number(dropped)).toBe(Number(observed));
      }
    },
    LIMIT_MILLIS,
  );
});
