/**
 * What every runtime does with the client, and says of it. It is also sent to a browser as text, so it uses nothing but what
 * it is given.
 *
 * @param {typeof import("../../../../server/client/connect.js")} client
 * @param {{ url: string, token: string, transport?: "websocket" | "http", format?: "binary" }} options
 * @param {(line: string) => void} say
 */
export async function scenario({ connect, ConnectError }, options, say) {
  const tell = (/** @type {string} */ step, /** @type {unknown} */ value) => say(JSON.stringify([step, value]));

  const refused = connect({ ...options, token: "wrong-wrong-wrong-wrong" });
  const error = await refused.opened.catch((error) => error);
  tell("refused", [error instanceof ConnectError, error.code, error.status]);

  const first = connect({ ...options, since: 0, filter: { status: ["5xx", "!502"] } });
  tell("hello", (await first.opened).filter);
  const statuses = [];
  for await (const { seq, status, path } of first) {
    statuses.push([seq, status, path]);
    if (statuses.length === 3) break;
  }
  tell("iterated", statuses);

  /** @type {number[]} */
  const seqs = [];
  /** @type {string[]} */
  const lives = [];
  /** @type {() => void} */
  let look = () => {};
  const connection = connect({
    ...options,
    since: 0,
    onEvents: (events) => {
      seqs.push(...events.map(({ seq }) => seq));
      look();
    },
    onGap: (gap) => tell("gap", gap),
    onConnect: (_, isRestarted) => lives.push(isRestarted ? "another" : "the same"),
  });
  await connection.sync();
  tell("synced", [seqs.length, connection.position]);
  await connection.setFilter({ method: "DELETE" });
  const wrong = await connection.setFilter({ status: "abc" }).catch((error) => error);
  tell("wrong filter", wrong instanceof ConnectError);
  await connection.setFilter({});

  // The service is killed now, and started anew at the same place.
  const before = seqs.length;
  tell("ready", before);
  await new Promise((resolve) => {
    look = () => seqs.length === before + 80 && resolve(undefined);
  });
  tell("restarted", [lives.at(-1), seqs.slice(before)]);
  await connection.close();
  tell("closed", true);
}
