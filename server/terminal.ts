/**
 * Transactions as lines for a terminal.
 * @module
 */

import type { Endpoint, HttpEvent, ObservedEvent, TcpEvent } from "../ffi/event.ts";

// What a path or header may hold is up to whoever sends requests: control characters would drive the terminal, and the
// bidirectional ones would turn the line around.
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text with everything that would not print as itself written as `\x1b` or `\u202e`. */
const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });

/** The event as one line of JSON, whose strings hold the same letters as escapes. */
const jsonLine = (event: ObservedEvent): string =>
  JSON.stringify(event).replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const clock = (unixNano: string): string => new Date(Number(BigInt(unixNano) / 1_000_000n)).toISOString().slice(11, 23);

const duration = (nano: number): string => {
  if (nano < 1e6) return `${(nano / 1e3).toFixed(0)}us`;
  if (nano < 1e9) return `${(nano / 1e6).toFixed(1)}ms`;
  return `${(nano / 1e9).toFixed(2)}s`;
};

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** At most 6 characters. */
const size = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)}${UNITS[unit]}`;
};

const endpoint = ({ address, port }: Endpoint): string =>
  address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;

// https://www.ecma-international.org/publications-and-standards/standards/ecma-48/ (SGR)
const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, bold: 1, faint: 2 } as const;
type Paint = (text: string, color: keyof typeof CODES) => string;

const paintOf =
  (isColored: boolean): Paint =>
  (text, color) =>
    isColored ? `\x1b[${CODES[color]}m${text}\x1b[0m` : text;

const STATUS_COLORS: readonly (keyof typeof CODES)[] = ["red", "cyan", "green", "cyan", "yellow", "red"];
const statusColor = (status: number) => STATUS_COLORS[Math.floor(status / 100)] ?? "red";

/** One line without its end: UTC time, status, method, duration, response body, its ends, then what is of any length. */
const transactionLine = (event: HttpEvent, paint: Paint): string => {
  const { client, server, answeredBy, path, responseBodyBytes } = event;
  const ends = [client, server, ...(answeredBy === undefined ? [] : [answeredBy])];
  const host = path.startsWith("/") ? (event.host ?? "") : "";
  const query = event.query === undefined ? "" : `?${event.query}`;
  const target = `${host}${path}${query}${event.pathTruncated ? "…" : ""}`;
  const columns = [
    paint(clock(event.startTimeUnixNano), "faint"),
    paint(event.status === 0 ? "---" : String(event.status), statusColor(event.status)),
    paint(printable(event.method).padEnd(7), "bold"),
    duration(event.durationNano).padStart(7),
    (responseBodyBytes === undefined ? "-" : size(responseBodyBytes)).padStart(6),
    paint(ends.map(endpoint).join(" > ").padEnd(43), "faint"),
    printable(target),
  ];
  if (event.outcome !== "complete") columns.push(paint(`(${event.outcome})`, "yellow"));
  return columns.join("  ");
};

/** The same columns for a closed connection: outcome, role, how long it lived, its ends, and what it carried. */
const connectionLine = (event: TcpEvent): string => {
  const ends = [endpoint(event.local), endpoint(event.remote)];
  return [
    clock(event.startTimeUnixNano),
    event.outcome === "fin" ? "tcp" : "---",
    event.role.padEnd(7),
    duration(event.durationNano).padStart(7),
    " ".repeat(6),
    (event.role === "client" ? ends : ends.reverse()).join(" > ").padEnd(43),
    `sent ${event.bytesSent} B, received ${event.bytesReceived} B, ${event.retransmits} retransmitted (${event.outcome})`,
  ].join("  ");
};

const eventLine = (event: ObservedEvent, isColored = false): string =>
  event.protocol === "http" ? transactionLine(event, paintOf(isColored)) : connectionLine(event);

export { eventLine, jsonLine, printable };
