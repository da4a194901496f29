import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeKernel } from "../kernel.ts";
import { ATTACH } from "./support/attach.ts";
import { nativeProgram } from "./support/cable.ts";
import { endAll } from "./support/child.ts";
import { conversation, ETHERNET, type FrameShape, NEXT } from "./support/frames.ts";
import { Network } from "./support/network.ts";
import { removeFolders, temporaryFolder } from "./support/nginx.ts";
import { Watch } from "./support/watch.ts";

const LIMIT_MILLIS = 30_000;
const { vlan, serviceTag, oldServiceTag } = ETHERNET;

/** The rest of an options header of eight bytes: padding. */
const PADDING = [0, 1, 4, 0, 0, 0, 0] as const;
const AUTHENTICATION = [4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] as const;
/** A list of one segment, that has been passed. */
const ROUTED = [2, 4, 0, 0, 0, 0, 0, 0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2] as const;

const read: [name: string, shape: FrameShape][] = [
  ["IPv4", {}],
  ["IPv4-with-options", { options: [7, 7, 4, 0, 0, 0, 0, 0] }],
  ["IPv4-with-padding", { padding: 20 }],
  ["IPv6", { ipv6: true }],
  ["IPv6-with-padding", { ipv6: true, padding: 20 }],
  ["VLAN", { tags: [vlan] }],
  ["VLAN-IPv6", { tags: [vlan], ipv6: true }],
  ["VLAN-with-padding", { tags: [vlan], padding: 20 }],
  ["service-tag", { tags: [serviceTag] }],
  ["old-service-tag", { tags: [oldServiceTag] }],
  ["QinQ", { tags: [serviceTag, vlan] }],
  ["QinQ-IPv6", { tags: [serviceTag, vlan], ipv6: true }],
  ["old-QinQ", { tags: [oldServiceTag, vlan] }],
  ["VLAN-in-VLAN", { tags: [vlan, vlan] }],
  ["three-tags", { tags: [serviceTag, serviceTag, vlan], ipv6: true }],
  ["hop-by-hop", { ipv6: true, extensions: [[NEXT.hopByHop, ...PADDING]] }],
  ["destination-options", { ipv6: true, extensions: [[NEXT.options, ...PADDING]] }],
  ["routing", { ipv6: true, extensions: [[NEXT.routing, ...ROUTED]] }],
  ["authentication", { ipv6: true, extensions: [[NEXT.authentication, ...AUTHENTICATION]] }],
  ["atomic-fragment", { ipv6: true, extensions: [[NEXT.fragment, 0, 0, 0, 0, 0, 0, 1]] }],
  [
    "all-in-a-VLAN",
    {
      ipv6: true,
      tags: [vlan],
      extensions: [
        [NEXT.hopByHop, ...PADDING],
        [NEXT.options, ...PADDING],
        [NEXT.routing, ...ROUTED],
        [NEXT.fragment, 0, 0, 0, 0, 0, 0, 1],
        [NEXT.authentication, ...AUTHENTICATION],
        [NEXT.options, ...PADDING],
      ],
    },
  ],
];

const leftAlone: [name: string, shape: FrameShape][] = [
  ["fragments", { fragmented: true }],
  ["fragments-IPv6", { fragmented: true, ipv6: true }],
  ["fragments-VLAN", { fragmented: true, tags: [vlan] }],
  ["encrypted", { ipv6: true, extensions: [[NEXT.encrypted, 0, 0, 1, 0, 0, 0, 1]] }],
];

/** As lines of hexadecimal; each conversation has a port of its own, and its name is the path that is asked for. */
function lines(shapes: typeof read): string[] {
  return shapes.flatMap(([name, shape], index) => {
    const request = `GET /${name} HTTP/1.1\r\nHost: ${"h".repeat(40)}\r\n\r\n`;
    const response = "HTTP/1.1 204 No Content\r\nServer: none\r\n\r\n";
    return conversation(shape, request, response, 40_000 + index).map((frame) => frame.toString("hex"));
  });
}

describeKernel("frames as they are on the wire", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  describe.each([
    ["received", false],
    ["sent", true],
  ])("%s", (_name, sentByHost) => {
    test.skipIf(ATTACH === "cgroup")(
      "tags, options and extension headers are passed over; fragments and what is encrypted are left alone",
      async () => {
        const [host, other] = await Promise.all([Network.open(), Network.open()]);
        await host.link("wire0", other);
        for (const network of [host, other]) await network.output("ip", "link", "set", "wire0", "up");
        const watch = await Watch.start(host);
        const file = join(temporaryFolder(), "frames");
        writeFileSync(file, lines([...read, ...leftAlone]).join("\n"));
        await (sentByHost ? host : other).output(await nativeProgram("frames"), "wire0", file);
        expect((await watch.events()).map(({ path, status, outcome }) => `${path} ${status} ${outcome}`)).toEqual(
          read.map(([name]) => `/${name} 204 complete`),
        );
        await watch.expectNothingMissed();
      },
      LIMIT_MILLIS,
    );
  });
});
