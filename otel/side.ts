/**
 * Whose span it is: the server's or the client's.
 * @module
 */

/** Which end of the transaction a span is of. */
type SpanSide = "server" | "client";

/** The setting `--spans`. */
type SpanPolicy = "auto" | SpanSide | "both";

/** Decides from the two addresses of the connection, which are in the event and in its raw record alike. */
interface SideRule {
  (clientAddress: string, serverAddress: string): SpanSide;
  /** The same where the server's address is enough to tell, undefined where it is not: a host has more clients than servers. */
  ofServer?: (serverAddress: string) => SpanSide | undefined;
}

/**
 * A rule for each span that a transaction gets. `auto` gives one: that of the server, unless only the client is on this
 * host. What merely passes through, neither end being local, is the server's too. `both` gives two, wherever the ends are.
 */
function sideRules(policy: SpanPolicy, isLocal: (address: string) => boolean): SideRule[] {
  if (policy === "both") return [always("client"), always("server")];
  if (policy !== "auto") return [always(policy)];
  const byLocality: SideRule = (clientAddress, serverAddress) =>
    !isLocal(serverAddress) && isLocal(clientAddress) ? "client" : "server";
  byLocality.ofServer = (serverAddress) => (isLocal(serverAddress) ? "server" : undefined);
  return [byLocality];
}

function always(side: SpanSide): SideRule {
  const rule: SideRule = () => side;
  rule.ofServer = () => side;
  return rule;
}

export { type SideRule, type SpanPolicy, type SpanSide, sideRules };
