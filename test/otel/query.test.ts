import { expect, test } from "bun:test";
import { redactQuery } from "../../otel/query.ts";

test.each([
  ["nothing secret stays as it is", "a=1&b=%20&&c", "a=1&b=%20&&c"],
  ["sig", "sig=abc", "sig=REDACTED"],
  ["Signature", "x=1&Signature=a%2Fb==&y=2", "x=1&Signature=REDACTED&y=2"],
  ["AWSAccessKeyId", "AWSAccessKeyId=AKIA", "AWSAccessKeyId=REDACTED"],
  [
    "every X-Amz secret, and only those",
    "X-Amz-Date=1&X-Amz-Signature=2&X-Amz-Credential=3&X-Amz-Security-Token=4",
    "X-Amz-Date=1&X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED",
  ],
  ["X-Goog-Signature", "X-Goog-Signature=1", "X-Goog-Signature=REDACTED"],
  ["keys are case-sensitive", "SIG=abc&Sig=abc", "SIG=abc&Sig=abc"],
  ["a percent-encoded key hides nothing", "X%2DAmz%2DSignature=1", "X%2DAmz%2DSignature=REDACTED"],
  ["a key that cannot be decoded is left alone", "%zz=1&sig=2", "%zz=1&sig=REDACTED"],
  ["a key without a value has nothing to hide", "sig", "sig"],
  ["each of several", "sig=1&sig=2", "sig=REDACTED&sig=REDACTED"],
])("%s", (_rule, query, redacted) => {
  expect(redactQuery(query)).toBe(redacted);
});

test("the list can be replaced", () => {
  expect(redactQuery("sig=1&token=2", new Set(["token"]))).toBe("sig=1&token=REDACTED");
});
