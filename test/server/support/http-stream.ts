/** A message as a browser's EventSource hands it to the page. */
export interface SseMessage {
  /** `message` when nothing else was said. */
  type: string;
  data: string;
  /** The last one that was said, with this message or before. */
  id: string;
  retry?: number;
}

/** As https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation has it; what is cut does not count. */
export function sseMessages(text: string): SseMessage[] {
  const messages: SseMessage[] = [];
  let [id, type, retry] = ["", "", 0];
  let data: string[] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    if (line === "") {
      if (data.length > 0)
        messages.push({ type: type || "message", data: data.join("\n"), id, ...(retry > 0 && { retry }) });
      [type, retry, data] = ["", 0, []];
      continue;
    }
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name === "data") data.push(value);
    else if (name === "id") id = value;
    else if (name === "event") type = value;
    else if (name === "retry") retry = Number(value);
  }
  return messages;
}

/** The body of an answer in chunks, RFC 9112 section 7.1, as far as it has come whole. */
export function chunkedBody(answer: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = answer.indexOf("\r\n\r\n") + 4; at < answer.length; ) {
    const lineEnd = answer.indexOf("\r\n", at);
    if (lineEnd < 0) break;
    const start = lineEnd + 2;
    const end = start + Number.parseInt(answer.toString("latin1", at, lineEnd), 16);
    if (end > answer.length) break;
    parts.push(answer.subarray(start, end));
    at = end + 2;
  }
  return Buffer.concat(parts).toString();
}
