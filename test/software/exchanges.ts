import type { Section } from "./clients/curl.ts";
import { MIB } from "./servers/server.ts";
import { CONTINUE_BYTES, type LoggedRequest } from "./support/access-log.ts";

/** What curl is told to do, and what must be seen of it besides what every log says. */
export interface Exchange {
  name: string;
  /** @param folder has the files that the server serves */
  sections: (origin: string, folder: string) => Section[];
  /** Transfers at a time. */
  parallel?: number;
  /** One for each transfer, in their order. */
  statuses: number[];
  /** For these only; the others do not know ranges, conditions and compression. */
  fileServersOnly?: boolean;
  /** Corrects what curl counts otherwise than an event does. */
  correct?: (account: LoggedRequest) => LoggedRequest;
}

const repeat = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

export const EXCHANGES: Exchange[] = [
  {
    name: "two requests on a kept connection",
    sections: (origin) => [{ urls: [`${origin}/small/1`, `${origin}/small/2?echo=secret`] }],
    statuses: [200, 200],
  },
  {
    name: "HTTP/1.0",
    sections: (origin) => [{ options: ["http1.0"], urls: [`${origin}/files/1m.bin`] }],
    statuses: [200],
  },
  {
    name: "HTTP/1.0, to what would come in chunks",
    sections: (origin) => [{ options: ["http1.0"], urls: [`${origin}/app/chunked/1`] }],
    statuses: [200],
  },
  {
    name: "GET, POST, HEAD and PUT on one connection",
    sections: (origin, folder) => [
      { urls: [`${origin}/small/1`] },
      { options: ['data = "a=1"'], urls: [`${origin}/app/upload/2`] },
      { options: ["head"], urls: [`${origin}/files/1m.bin`] },
      { options: [`upload-file = "${folder}/text.txt"`, 'header = "Expect:"'], urls: [`${origin}/app/upload/4`] },
      { urls: [`${origin}/small/5`] },
    ],
    statuses: [200, 201, 200, 201, 200],
  },
  {
    name: "1 MiB up, once the server says 100 Continue",
    sections: (origin, folder) => [
      {
        options: [`upload-file = "${folder}/1m.bin"`, 'header = "Expect: 100-continue"', "expect100-timeout = 60"],
        urls: [`${origin}/app/upload/1`],
      },
    ],
    statuses: [201],
    correct: ({ responseHeaderBytes = 0, ...rest }) => ({
      ...rest,
      responseHeaderBytes: responseHeaderBytes - CONTINUE_BYTES,
    }),
  },
  {
    name: "1 MiB up in chunks, and another request",
    sections: (origin, folder) => [
      {
        options: [`upload-file = "${folder}/1m.bin"`, 'header = "Transfer-Encoding: chunked"', 'header = "Expect:"'],
        urls: [`${origin}/app/upload/1`],
      },
      { urls: [`${origin}/small/2`] },
    ],
    statuses: [201, 200],
    // curl counts the framing, too.
    correct: (account) => (account.method === "PUT" ? { ...account, requestBodyBytes: MIB } : account),
  },
  {
    name: "100 MiB up, and another request",
    sections: (origin, folder) => [
      { options: [`upload-file = "${folder}/100m.bin"`, 'header = "Expect:"'], urls: [`${origin}/app/upload/1`] },
      { urls: [`${origin}/small/2`] },
    ],
    statuses: [201, 200],
  },
  {
    name: "100 MiB down, and another request",
    sections: (origin) => [{ urls: [`${origin}/files/100m.bin`, `${origin}/small/2`] }],
    statuses: [200, 200],
  },
  {
    name: "1 MiB down, eight times at once",
    sections: (origin) => [{ urls: repeat(64, `${origin}/files/1m.bin`) }],
    parallel: 8,
    statuses: repeat(64, 200),
  },
  {
    name: "chunks down, and another request",
    sections: (origin) => [{ urls: [`${origin}/app/chunked/1`, `${origin}/small/2`] }],
    statuses: [200, 200],
  },
  {
    name: "server-sent events with pauses, and another request",
    sections: (origin) => [{ urls: [`${origin}/app/events/1`, `${origin}/small/2`] }],
    statuses: [200, 200],
  },
  {
    name: "a part of a file",
    sections: (origin) => [{ options: ['range = "10-99"'], urls: [`${origin}/files/1m.bin`] }],
    statuses: [206],
    fileServersOnly: true,
  },
  {
    name: "several parts of a file, and a part that is not there",
    sections: (origin) => [
      { options: ['range = "0-9,100-199"'], urls: [`${origin}/files/1m.bin`] },
      { options: [`range = "${MIB}-"`], urls: [`${origin}/files/1m.bin`] },
    ],
    statuses: [206, 416],
    fileServersOnly: true,
  },
  {
    name: "a file that has not been modified, and one that is not there",
    sections: (origin, folder) => [
      { options: [`time-cond = "${folder}/1m.bin"`], urls: [`${origin}/files/1m.bin`] },
      { urls: [`${origin}/files/none`] },
    ],
    statuses: [304, 404],
    fileServersOnly: true,
  },
  {
    name: "a compressed file, in chunks, and another request",
    sections: (origin) => [
      { options: ['header = "Accept-Encoding: gzip"'], urls: [`${origin}/files/text.txt`, `${origin}/small/2`] },
    ],
    statuses: [200, 200],
    fileServersOnly: true,
  },
];
