import { afterAll, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { Network } from "./support/network.ts";
import { removeFolders, startNginx } from "./support/nginx.ts";
import { Service } from "./support/service.ts";

const LIMIT_MILLIS = 30_000;

describeKernel("what the kernel programs say of the connections that they follow", () => {
  afterAll(async () => {
    await endAll();
    removeFolders();
  });

  test(
    "a connection is counted while it is kept, and a message that cannot be understood by its reason",
    async () => {
      const network = await Network.open();
      const service = await Service.start(network);
      await startNginx(network, "server { listen 127.0.0.1:8080; keepalive_timeout 600s; location / { return 204; } }");
      const metric = async (name: string) => {
        const line = (await service.get("/metrics")).split("\n").find((one) => one.startsWith(`kernelcast_${name}`));
        return line === undefined ? undefined : Number(line.split(" ").at(-1));
      };
      /** Sends a request, and keeps the connection until it is ended. */
      const talk = (headers: string) => {
        const request = `GET / HTTP/1.1\\r\\nHost: h\\r\\n${headers}\\r\\n`;
        return network.start([
          "bash",
          "-c",
          `exec 3<>/dev/tcp/127.0.0.1/8080; printf '${request}' >&3; head -1 <&3; cat`,
        ]);
      };

      expect(await metric('connections{protocol="http"}')).toBe(0);
      const kept = [talk(""), talk("")];
      for (const one of kept) await one.match(/HTTP\/1.1 204/);
      await service.statsWhen(({ following }) => following.http?.connections === 2);
      expect(await metric('connections{protocol="http"}')).toBe(2);

      for (const one of kept) await one.stop();
      await service.statsWhen(({ following }) => following.http?.connections === 0);

      expect(await metric('messages_refused_total{protocol="http",reason="length"}')).toBeUndefined();
      const wrong = talk("Content-Length: twelve\\r\\n");
      await wrong.match(/HTTP\/1.1 400/);
      await service.statsWhen(({ following }) => following.http?.refused.length === 1);
      expect(await metric('messages_refused_total{protocol="http",reason="length"}')).toBe(1);
    },
    LIMIT_MILLIS,
  );
});
