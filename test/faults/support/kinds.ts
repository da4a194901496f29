import { type HttpFields, ipv4 } from "../../ffi/support/ring.ts";

/** Transactions that differ in what filters look at, so that those of the crowd (programs/crowd.ts) select differently. */
export const KINDS = 3500;

const LETTERS = ["a", "b", "c", "d", "e"];
const STATUSES = [200, 404, 500, 204, 301];
const PORTS = [8080, 8081, 8082];
const SECOND_MAX = 100;
const THIRD_MAX = 7;

/** The third part of a path goes with method, status and port, so that under each `/letter/number/*` there is some of all. */
export function kindFields(number: number): HttpFields {
  const letter = number % LETTERS.length;
  const third = number % THIRD_MAX;
  return {
    client: ipv4(127, 0, 0, 1),
    server: ipv4(127, 0, 0, 1),
    clientPort: 32_768 + (number % 1000),
    serverPort: PORTS[third % PORTS.length] as number,
    status: STATUSES[(letter + third) % STATUSES.length] as number,
    method: third % 4 === 0 ? "POST" : "GET",
    target: `/${LETTERS[letter]}/${Math.floor(number / LETTERS.length) % SECOND_MAX}/${third}`,
    host: "127.0.0.1:8080",
  };
}
