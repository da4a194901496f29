import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { difference } from "./compare.ts";
import { uncutDeliveries } from "./delivery.ts";
import { loadConversations, parse } from "./parse.ts";
import { buildPlayers, Player, playerPath } from "./player.ts";

const EXCHANGE = String.raw`> GET /a HTTP/1.1\r\n\r\n
< HTTP/1.1 204 No Content\r\n\r\n`;
const EVENT = "= GET /a 204 complete head=19/27 body=0/0";

describe("the text of conversations", () => {
  const refused: [name: string, text: string, message: string][] = [
    ["a line that begins with none of the signs", `== a\nGET /\n${EVENT}`, "f.txt:2: a line begins with one of"],
    ["a sign without a blank", `== a\n>GET /\n${EVENT}`, "f.txt:2: a line begins with one of"],
    ["a segment before the first name", EXCHANGE, "f.txt:1: before the first line with =="],
    ["a conversation without a segment", `== a\n${EVENT}`, "f.txt:1: a conversation begins with a segment"],
    ["a conversation that expects neither events nor nothing", `== a\n${EXCHANGE}`, "f.txt:1: no event is expected"],
    ["events, and nothing", `== a\n${EXCHANGE}\n${EVENT}\n= nothing`, "f.txt:1: it expects events, and nothing"],
    ["a blank at the end of a line", `== a\n> GET \n${EVENT}`, "f.txt:2: a blank ends the line"],
    ["a line that goes on with nothing", `  x\n== a`, "f.txt:1: there is nothing to go on with"],
    ["an escape that nobody knows", `== a\n> \\q\n${EVENT}`, "f.txt:2: \\q is none of"],
    ["half a byte", `== a\n> \\x4\n${EVENT}`, "f.txt:2: \\x is none of"],
    ["a segment of nothing", `== a\n> \n${EVENT}`, "f.txt:2: a blank ends the line"],
    ["an empty segment", `== a\n> []\n${EVENT}`, "f.txt:2: [] is none of SYN"],
    ["a mark that nobody knows", `== a\n> [LOST] x\n${EVENT}`, "f.txt:2: [LOST] is none of SYN"],
    ["a segment that comes again as no SYN", `== a\n> [again] x\n${EVENT}`, "f.txt:2: again belongs to SYN"],
    ["a silence of no length", `== a\n${EXCHANGE}\n~ long\n${EVENT}`, "f.txt:4: silence is written as"],
    ["a counter that nobody knows", `== a\n${EXCHANGE}\n! refused\n${EVENT}`, "f.txt:4: refused is none of"],
    ["an option that nobody knows", `== a\n@fast\n${EXCHANGE}\n${EVENT}`, "f.txt:2: there is no option fast"],
    ["an option without its reason", `== a\n@uncut\n${EXCHANGE}\n${EVENT}`, "f.txt:2: uncut needs a reason"],
    ["an option too late", `== a\n${EXCHANGE}\n@query\n${EVENT}`, "f.txt:4: an option stands before"],
    ["an event without an outcome", `== a\n${EXCHANGE}\n= GET /a 204`, "f.txt:4: an event begins with METHOD"],
    ["an outcome that is none", `== a\n${EXCHANGE}\n= GET /a 204 done`, "f.txt:4: done is none of"],
    ["a status that is none", `== a\n${EXCHANGE}\n= GET /a ok complete`, "f.txt:4: ok is no status"],
    [
      "an event without its bytes",
      `== a\n${EXCHANGE}\n= GET /a 204 complete head=1/2`,
      "f.txt:4: body=REQUEST/RESPONSE",
    ],
    ["a field that nobody knows", `== a\n${EXCHANGE}\n${EVENT} size=1`, "f.txt:4: an event has no size"],
    ["a field given twice", `== a\n${EXCHANGE}\n${EVENT} host=a host=b`, "f.txt:4: host is given twice"],
    ["a quote that is not closed", `== a\n${EXCHANGE}\n${EVENT} host="a`, "f.txt:4: a quote is not closed"],
    ["segments that are no numbers", `== a\n${EXCHANGE}\n${EVENT} segments=1`, "f.txt:4: segments=START/FIRST/END"],
  ];
  for (const [name, text, message] of refused) {
    test(`${name} is refused, with its file and line`, () => {
      expect(() => parse("f.txt", text)).toThrow(message);
    });
  }

  test("is read into bytes and places", () => {
    const [one] = parse("f.txt", `== a\n> \\[GET\\x20\\{ab*2}\n   \\"é\n< [at -3, FIN, ack 7] x\n= nothing`);
    expect(one?.steps).toMatchObject([
      { from: "client", bytes: Buffer.from('[GET abab "é'), repeated: [{ start: 5, end: 9 }], line: 2 },
      { from: "server", bytes: Buffer.from("x"), fin: true, at: { from: "next", offset: -3 }, ack: 7, line: 4 },
    ]);
  });

  test("there are at least 150 conversations", () => {
    expect(loadConversations().length).toBeGreaterThanOrEqual(150);
  });
});

/** Without these, a player that compares nothing would pass for one that finds all as expected. */
describe("a conversation that goes otherwise is told of", () => {
  let player: Player;
  beforeAll(() => {
    buildPlayers("native");
    player = new Player([playerPath("native"), "0", "224"]);
  }, 120_000);
  afterAll(() => player.close());

  const wrong: [name: string, text: string][] = [
    ["another event", `${EXCHANGE}\n${EVENT.replace("204", "200")}`],
    ["a field too few", `${EXCHANGE}\n${EVENT} host=h`],
    ["an event too many", `${EXCHANGE}\n${EVENT}\n${EVENT}`],
    ["no event where one is", `${EXCHANGE}\n= nothing`],
    ["an event too early", EXCHANGE.replace("\n", `\n${EVENT}\n`)],
    ["a counter that did not rise", `${EXCHANGE}\n${EVENT}\n! gap`],
    ["other moments", `${EXCHANGE}\n${EVENT} segments=1/1/2`],
  ];
  for (const [name, text] of wrong) {
    test(name, async () => {
      const [conversation] = parse("f.txt", `== a\n${text}`);
      if (conversation === undefined) throw new Error("it has been read as none");
      const [first] = uncutDeliveries(conversation);
      if (first === undefined) throw new Error("there is no way to play it");
      for await (const played of player.play(conversation, [first])) {
        expect(difference(conversation, played, true)).toContain("f.txt:1, as written");
      }
    });
  }
});
