import { expect, test } from "bun:test";
import { createDiagLogger } from "../../otel/diag.ts";
import { RecordingLog } from "./support/recording-log.ts";

test("what the SDK repeats is said once, and what it says otherwise is said too", () => {
  const log = new RecordingLog();
  const diag = createDiagLogger(log);
  for (let i = 0; i < 1000; i++) diag.warn("Could not parse export URL:", `url ${i}`);
  diag.error("something else");
  diag.info("by the way");
  expect(log.warnings).toEqual(["OpenTelemetry: Could not parse export URL: url 0", "OpenTelemetry: something else"]);
  expect(log.infos).toEqual(["OpenTelemetry: by the way"]);
});
