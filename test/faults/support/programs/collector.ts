/**
 * The scripted collector of test/otel as a process. Its first argument is the port, 0 for any free one. Prints the port it
 * has, then answers each line of input, an action for all further requests or `report`, with what it has counted so far.
 */
import { createInterface } from "node:readline";
import { ScriptedCollector } from "../../../otel/support/scripted-collector.ts";

const collector = await new ScriptedCollector().listen(Number(process.argv[2] ?? 0));
const report = () => {
  const { port, requests, taken, rejected, violations } = collector;
  console.log(JSON.stringify({ port, requests, taken, rejected, violations }));
};
report();
createInterface({ input: process.stdin }).on("line", (line) => {
  if (line !== "report") collector.otherwise = JSON.parse(line);
  report();
});
