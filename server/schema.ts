/**
 * The shapes of requests and answers. They type the handlers, validate the requests and become the OpenAPI document.
 * @module
 */

import { z } from "zod";

const count = () => z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const byReason = z.record(z.string(), count()).describe("by reason; zero counts left out");

const kernelCounts = {
  observed: count().describe("transactions that ended, as the kernel programs saw them"),
  enqueued: count().describe("put into a kernel page"),
  filtered: count()
    .optional()
    .describe("left out in the kernel because nobody would take them; absent when there are none"),
  dropped: byReason,
};

const receiptProtocol = z.object({
  ...kernelCounts,
  delivered: count().describe("handed to every sink"),
});

const protocolLedger = receiptProtocol.extend({
  pending: count().describe("between the kernel's pages and the sinks"),
});

const following = z.object({
  connections: count().describe("connections that are remembered now"),
  gaps: count().describe("places where bytes were needed to follow a message and never seen"),
  unread: count().describe(
    "packets that were not read, because another CPU was busy with their connection for too long",
  ),
  refused: byReason.describe("messages that were given up, by reason; zero counts left out"),
});

const flow = {
  delivered: count().describe("events offered"),
  sent: count().describe("taken by the transport"),
  filtered: count().describe("not wanted by the subscription"),
  dropped: byReason,
  queued: count().describe("waiting for the transport"),
};

const subscriber = z.object({
  id: count(),
  remoteAddress: z.string(),
  format: z.string().describe("of its frames"),
  filter: z.record(z.string(), z.unknown()).describe("canonical"),
  policy: z.string().describe("what becomes of events for which it has no room"),
  ...flow,
  queuedBytes: count(),
  paused: z.boolean().describe("waiting for the peer to read"),
  catchingUp: z.boolean().describe("being given what the history holds"),
});

const spanLedger = z.object({
  delivered: count().describe("events handed to the span sink"),
  accepted: count().describe("taken into the export queue"),
  exported: count().describe("acknowledged by the collector"),
  rejected: count().describe("refused by the collector in a partial success"),
  queued: count().describe("in the queue or in flight"),
  notSampled: count(),
  dropped: byReason,
});

const receipt = z
  .object({
    id: count().describe("of the barrier; coalesced calls share it"),
    durationMs: z.number().describe("of this call, milliseconds"),
    protocols: z.record(z.string(), receiptProtocol),
    spans: spanLedger.pick({ accepted: true, exported: true, queued: true }),
    balanced: z.boolean().describe("every identity of the ledger holds"),
  })
  .meta({ id: "Receipt" });

const partialReceipt = receipt
  .extend({
    missingCpus: z.array(count()).describe("CPUs that did not answer in time").optional(),
    exportError: z.string().describe("why spans were not acknowledged").optional(),
  })
  .meta({ id: "PartialReceipt" });

const stats = z
  .object({
    version: z.string(),
    uptimeSeconds: z.number(),
    running: z.boolean().describe("programs attached and reader running"),
    protocols: z.record(z.string(), protocolLedger),
    following: z.record(z.string(), following).describe("how well the kernel programs could follow what they saw"),
    enabled: z.array(z.string()).describe("protocols that are not paused"),
    cpus: z.array(z.object({ cpu: count(), protocols: z.record(z.string(), z.object(kernelCounts)) })),
    reader: z.record(z.string(), z.number()).describe("counters of the reader"),
    ring: z.object({ sizeBytes: count(), usedBytes: count() }).describe("between the reader and JavaScript").optional(),
    programs: z
      .array(z.object({ name: z.string(), runs: count(), runNanos: count() }))
      .describe("what the kernel counts of its programs while kernel.bpf_stats_enabled is on")
      .optional(),
    subscribers: z.object({
      offered: z.record(z.string(), count()).describe("events handed to the hub, by protocol"),
      connected: count(),
      subscriberMax: count(),
      accepted: count().describe("subscriptions ever begun"),
      refused: count().describe("subscriptions refused because there were too many"),
      queuedBytes: count().describe("bytes of all frames that wait, each counted once"),
      total: z.object(flow).describe("over all subscribers, present and past"),
      subscribers: z.array(subscriber).describe("those present"),
    }),
    spans: spanLedger.describe("left out when span export is off").optional(),
    balanced: z.boolean().describe("every identity of the ledger holds"),
    imbalances: z.array(z.string()).describe("those that do not hold, with their numbers"),
  })
  .meta({ id: "Stats" });

const apiError = z
  .object({
    error: z.object({
      code: z.string().describe("stable, for programs"),
      message: z.string().describe("what failed, on what, and what to do"),
    }),
  })
  .meta({ id: "Error" });

const health = z.object({ status: z.literal("ok") }).meta({ id: "Health" });

const readiness = z
  .object({
    status: z.literal("ok"),
    source: z.object({
      kind: z.enum(["kernel", "replay", "demo"]).describe("replay and demo: not the traffic of this host"),
      attach: z
        .enum(["socket", "cgroup"])
        .optional()
        .describe("where the kernel is watched: at the devices of a network namespace, or at the sockets of a cgroup"),
      cgroup: z.string().optional().describe("the directory of the cgroup whose sockets alone are watched"),
      notice: z.string().describe("the same for people").optional(),
    }),
  })
  .meta({ id: "Readiness" });

const protocolState = z.strictObject({
  enabled: z.boolean({ error: "expected true or false" }).describe("false pauses it"),
});

const protocolAnswer = z.object({ protocol: z.string(), enabled: z.boolean() }).meta({ id: "ProtocolState" });

const noQuery = z.strictObject({});
const syncQuery = z.strictObject({
  wait: z
    .enum(["export"], { error: 'expected "export"' })
    .optional()
    .describe("also wait until the collector has acknowledged the spans"),
});

type Receipt = z.infer<typeof receipt>;
type PartialReceipt = z.infer<typeof partialReceipt>;
type Stats = z.infer<typeof stats>;
type ApiError = z.infer<typeof apiError>;

export type { ApiError, PartialReceipt, Receipt, Stats };
export {
  apiError,
  health,
  noQuery,
  partialReceipt,
  protocolAnswer,
  protocolState,
  readiness,
  receipt,
  stats,
  syncQuery,
};
