// @ts-nocheck: it runs in the browser, whose globals the rest of the program must not see.
// The live page. Everything that it shows of a transaction was written by whoever sent it, so it only ever becomes text.

import { connect } from "../client/connect.js";

const ROWS_MAX = 200;
const RATE_WINDOW_MILLIS = 2000;
const RETRY_MILLIS = 5000;
const TOKEN_KEY = "kernelcast.token";

const byId = (id) => document.getElementById(id);
const [state, rate, received, missed, failed] = ["state", "rate", "received", "missed", "failed"].map(byId);
const [sourceNotice, notice, rows, empty] = ["source", "notice", "rows", "empty"].map(byId);
const [pauseButton, syncButton, tokenForm, tokenInput] = ["pause", "sync", "token-form", "token"].map(byId);

/** Newest last; never longer than the table, whatever arrives between two frames of the display. */
let waiting = [];
let scheduled = false;
let paused = false;
const totals = { received: 0, missed: 0, failed: 0 };
/** `[millis, events]` of the batches within the window of the rate. */
let arrivals = [];

// Control characters, and those that would turn the line around and make one path look like another.
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const printable = (text) =>
  String(text).replace(UNPRINTABLE, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

const cell = (text, className) => {
  const td = document.createElement("td");
  td.textContent = printable(text);
  if (className) td.className = className;
  return td;
};

const clock = (unixNano) => {
  const date = new Date(Number(BigInt(unixNano) / 1_000_000n));
  const two = (n) => String(n).padStart(2, "0");
  const millis = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${millis}`;
};

const duration = (nano) => {
  if (nano < 1e6) return `${(nano / 1e3).toFixed(0)} µs`;
  if (nano < 1e9) return `${(nano / 1e6).toFixed(nano < 1e7 ? 2 : 1)} ms`;
  return `${(nano / 1e9).toFixed(2)} s`;
};

const endpoint = ({ address, port }) => (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`);

const size = (bytes) => {
  if (bytes < 1e3) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
};

/** What a row has no room for. */
const facts = (event) =>
  [
    ["Request", `${size(event.requestHeaderBytes)} head, ${size(event.requestBodyBytes)} body`],
    [
      "Response",
      event.timeToFirstByteNano !== undefined &&
        `${size(event.responseHeaderBytes)} head, ${size(event.responseBodyBytes)} body, first byte after ${duration(event.timeToFirstByteNano)}`,
    ],
    ["Template", event.template],
    ["Host", event.host],
    ["Answered by", event.answeredBy && endpoint(event.answeredBy)],
    ["User agent", event.userAgent],
    ["Trace", event.traceparent],
    ["Version", `HTTP/${event.version}`],
  ].filter(([, value]) => value);

/** The transaction of a row. */
const eventOf = new WeakMap();

const factsRow = (event) => {
  const row = wideRow("", "facts");
  const list = document.createElement("dl");
  for (const [name, value] of facts(event)) {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = printable(value);
    list.append(term, text);
  }
  row.firstElementChild.append(list);
  return row;
};

const toggleFacts = ({ target }) => {
  const row = target.closest("tr");
  const event = eventOf.get(row);
  if (event === undefined) return;
  const isOpen = row.nextElementSibling?.className === "facts";
  if (isOpen) row.nextElementSibling.remove();
  else row.after(factsRow(event));
  row.setAttribute("aria-expanded", String(!isOpen));
};

rows.addEventListener("click", toggleFacts);
rows.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  toggleFacts(event);
});

const transactionRow = (event) => {
  const row = document.createElement("tr");
  eventOf.set(row, event);
  row.tabIndex = 0;
  row.setAttribute("aria-expanded", "false");
  const status = cell(event.status === 0 ? "none" : event.status);
  status.dataset.class = Math.floor(event.status / 100);
  const target = event.query === undefined ? event.path : `${event.path}?${event.query}`;
  const path = cell(event.pathTruncated ? `${target}…` : target, "wide");
  path.title = printable(`${event.host ?? ""}${target}`);
  row.append(
    cell(clock(event.startTimeUnixNano), "quiet"),
    cell(event.method, "method"),
    status,
    cell(duration(event.durationNano), "number"),
    path,
    cell(`${endpoint(event.client)} → ${endpoint(event.server)}`, "quiet"),
    cell(event.outcome, event.outcome === "complete" ? "quiet" : ""),
  );
  return row;
};

const wideRow = (text, className) => {
  const row = document.createElement("tr");
  row.className = className;
  const td = cell(text);
  td.colSpan = 7;
  row.append(td);
  return row;
};

const render = () => {
  scheduled = false;
  received.textContent = totals.received.toLocaleString();
  missed.textContent = totals.missed.toLocaleString();
  failed.textContent = totals.failed.toLocaleString();
  if (paused || waiting.length === 0) return;
  const fragment = document.createDocumentFragment();
  for (const item of waiting.reverse())
    fragment.append(item.text === undefined ? transactionRow(item) : wideRow(item.text, item.className));
  waiting = [];
  rows.prepend(fragment);
  while (rows.childElementCount > ROWS_MAX) rows.lastElementChild.remove();
  empty.hidden = true;
};

const show = (items) => {
  for (const item of items.slice(-ROWS_MAX)) waiting.push(item);
  if (waiting.length > ROWS_MAX) waiting = waiting.slice(-ROWS_MAX);
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(render);
};

const say = (text, kind = "") => {
  notice.textContent = text;
  notice.dataset.kind = kind;
  notice.hidden = text === "";
};

const greet = ({ source }) => {
  const isLive = source.kind === "kernel";
  sourceNotice.textContent = source.notice ?? "";
  sourceNotice.hidden = isLive;
  document.title = isLive ? "Kernelcast" : `Kernelcast (${source.kind})`;
};

const receive = (events) => {
  totals.received += events.length;
  arrivals.push([performance.now(), events.length]);
  const transactions = events.filter(({ protocol }) => protocol === "http");
  for (const event of transactions) if (event.status >= 500) totals.failed += 1;
  show(transactions);
};

const miss = ({ dropped, fromSeq, toSeq }) => {
  totals.missed += dropped;
  show([{ text: `${dropped.toLocaleString()} missed (${fromSeq} to ${toSeq})`, className: "gap" }]);
};

setInterval(() => {
  const now = performance.now();
  arrivals = arrivals.filter(([at]) => now - at <= RATE_WINDOW_MILLIS);
  const events = arrivals.reduce((sum, [, count]) => sum + count, 0);
  rate.textContent = Math.round((events * 1000) / RATE_WINDOW_MILLIS).toLocaleString();
}, 500);

const setState = (name) => {
  state.dataset.state = name;
  state.textContent = name;
};

let connection;

const begin = () => {
  setState("connecting");
  const token = sessionStorage.getItem(TOKEN_KEY) ?? undefined;
  connection = connect({
    ...(token !== undefined && { token }),
    onEvents: receive,
    onGap: miss,
    onConnect(hello, isRestarted) {
      setState("live");
      tokenForm.hidden = true;
      say("");
      greet(hello);
      if (isRestarted) show([{ text: "the service was restarted", className: "gap" }]);
    },
    onDisconnect(reason) {
      setState("disconnected");
      show([{ text: `disconnected: ${reason}`, className: "gap" }]);
    },
  });
  connection.closed.catch((error) => {
    setState("disconnected");
    say(error.message, "bad");
    if (error.status === 401) askForToken();
    else setTimeout(begin, RETRY_MILLIS);
  });
};

/** It is kept as long as the tab, and never in a URL. */
const askForToken = () => {
  sessionStorage.removeItem(TOKEN_KEY);
  tokenForm.hidden = false;
  tokenInput.focus();
};

tokenForm.addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN_KEY, tokenInput.value.trim());
  tokenInput.value = "";
  begin();
});

pauseButton.addEventListener("click", () => {
  paused = !paused;
  pauseButton.setAttribute("aria-pressed", String(paused));
  pauseButton.textContent = paused ? "Resume" : "Pause";
  show([]);
});

syncButton.addEventListener("click", async () => {
  syncButton.disabled = true;
  try {
    const { id, durationMs, protocols, balanced, missingCpus } = await connection.sync();
    show([{ text: `sync ${id}: everything before this line is complete`, className: "mark" }]);
    const counts = Object.entries(protocols).map(([name, { delivered, dropped }]) => {
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      return `${name}: ${delivered.toLocaleString()} delivered, ${lost.toLocaleString()} dropped`;
    });
    const verdict = balanced ? "the ledger balances" : "the ledger does NOT balance";
    const late = missingCpus === undefined ? "" : `; incomplete: CPU ${missingCpus.join(", ")} did not answer in time`;
    say(
      `Sync ${id} in ${durationMs.toFixed(1)} ms. ${counts.join("; ")}; ${verdict}${late}.`,
      balanced && late === "" ? "" : "bad",
    );
  } catch (error) {
    say(error.message, "bad");
  } finally {
    syncButton.disabled = false;
  }
});

begin();
