/**
 * Whose span it is: the server's or the client's.
 * @module
 */

/** Which end of the transaction a span is of. */
type SpanSide = "server" | "client";

/** The setting `--spans`. */
type SpanPolicy = "auto" | SpanSide | "both";

/** Decides from the two addresses of the connection, which are in the event and in its raw record alike. */
type SideRule = (clientAddress: string, serverAddress: string) => SpanSide;

/**
 * A rule for each span that a transaction gets. `auto` gives one: that of the server, unless only the client is on this
 * host. What merely passes through, neither end being local, is the server's too. `both` gives two, wherever the ends are.
 */
function sideRules(policy: SpanPolicy, isLocal: (address: string) => boolean): SideRule[] {
  if (policy === "both") return [() => "client", () => "server"];
  if (policy !== "auto") return [() => policy];
  return [(clientAddress, serverAddress) => (!isLocal(serverAddress) && isLocal(clientAddress) ? "client" : "server")];
}

export { type SideRule, type SpanPolicy, type SpanSide, sideRules };
