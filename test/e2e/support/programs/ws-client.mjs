// The service's WebSocket, seen by the library that most of Node's programs use. Prints one line of JSON a step.
import { once } from "node:events";
import WebSocket from "ws";

const [url = "", token = "", ca = ""] = process.argv.slice(2);
const AUTHORIZED = { headers: { Authorization: `Bearer ${token}` }, ...(ca !== "" && { ca }) };

const tell = (/** @type {string} */ step, /** @type {unknown} */ value) => console.log(JSON.stringify([step, value]));

/** @param {object} [options] @param {string[]} [protocols] @param {string} [query] */
function open(options = {}, protocols = [], query = "") {
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws${query}`, protocols, { ...AUTHORIZED, ...options });
  /** @type {any[]} */
  const frames = [];
  /** @type {(() => void)[]} */
  const watchers = [];
  socket.on("message", (data, isBinary) => {
    frames.push(isBinary ? { bytes: data } : JSON.parse(String(data)));
    for (const wake of watchers.splice(0)) wake();
  });
  /** @param {(frame: any) => boolean} wanted @returns {Promise<any>} the first that is wanted */
  const frame = async (wanted) => {
    for (;;) {
      const found = frames.find(wanted);
      if (found !== undefined) return found;
      await new Promise((resolve) => watchers.push(() => resolve(undefined)));
    }
  };
  const closed = new Promise((resolve) => {
    socket.on("close", (code, reason) => resolve([code, String(reason)]));
    socket.on("unexpected-response", (_, response) => resolve(response.statusCode));
    socket.on("error", () => {});
  });
  return { socket, frames, frame, closed };
}

const ofType = (/** @type {string} */ type) => (/** @type {any} */ frame) => frame.type === type;

tell("without a token", await open({ headers: {} }).closed);
tell("from another site", await open({ origin: "https://evil.example" }).closed);
tell("with an unknown subprotocol", await open({}, ["mqtt"]).closed);
tell("with a wrong filter", await open({}, [], "?status=abc").closed);

const plain = open();
await plain.frame(ofType("hello"));
tell("opened", [plain.frames[0].type, plain.socket.protocol, plain.socket.extensions]);

const pong = once(plain.socket, "pong");
plain.socket.ping("are you there");
tell("pong", String((await pong)[0]));

plain.socket.send('{"type":"subscribe",', { fin: false });
plain.socket.ping();
plain.socket.send('"filter":{"status":"5xx"}}', { fin: true });
tell("in fragments", (await plain.frame(ofType("subscribed"))).filter);

for (let index = 0; index < 200; index++) plain.socket.send(`{"type":"${index}"}`);
await plain.frame(({ message }) => /"199"/.test(message));
const errors = plain.frames.filter(ofType("error")).map(({ message }) => Number(/"(\d+)"/.exec(message)?.[1]));
tell("answers in order", errors.length === 200 && errors.every((number, index) => number === index));

plain.socket.send(Buffer.from("hello"));
tell("binary", (await plain.frame(({ message }) => /a binary one/.test(message))).type);

plain.socket.close(1000, "bye");
tell("closed by us", await plain.closed);

const large = open();
await large.frame(ofType("hello"));
large.socket.send("x".repeat(100_000));
tell("too large", (await large.closed)[0]);

const compressed = open({ perMessageDeflate: true }, ["kernelcast.v1.json"], "?since=0");
await compressed.frame(({ events }) => events?.at(-1).seq === 80);
tell("the past", compressed.frames.flatMap(({ events = [] }) => events).length);
tell("extensions", [compressed.socket.protocol, compressed.socket.extensions]);
compressed.socket.terminate();

const binary = open({}, ["kernelcast.v1.binary"], "?since=0");
const hello = await binary.frame(ofType("hello"));
const { bytes } = await binary.frame(({ bytes }) => bytes !== undefined);
tell("records", [typeof hello.recordLayout, bytes.readUInt8(0), bytes.readUInt8(1), bytes.readUInt32LE(4) > 0]);
binary.socket.terminate();

const byToken = open({ headers: {} }, [`kernelcast.token.${token}`, "kernelcast.v1.json"]);
await byToken.frame(ofType("hello"));
tell("token as subprotocol", byToken.socket.protocol);

// The service is told to end now.
const last = open();
await last.frame(ofType("hello"));
tell("ready", true);
tell("closed by the service", await last.closed);
