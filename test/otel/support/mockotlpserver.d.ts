/** The part of the package's API that the tests use; it ships no types. */
declare module "@elastic/mockotlpserver" {
  interface MockOtlpServerOptions {
    services: ("http" | "grpc" | "ui")[];
    logLevel: string;
    httpHostname: string;
    /** 0 for any free one. */
    httpPort: number;
    /** Called with each decoded `ExportTraceServiceRequest`: a protobufjs message, or parsed JSON. */
    onTrace(request: unknown): void;
    /** The same of metrics. */
    onMetrics?(request: unknown): void;
    onRequest?(request: { path: string; headers: Record<string, string> }): void;
  }

  class MockOtlpServer {
    constructor(options: MockOtlpServerOptions);
    readonly httpUrl: URL;
    start(): Promise<void>;
    close(): Promise<void>;
  }
}

/** A protobufjs root that holds the official .proto files. */
declare module "@elastic/mockotlpserver/lib/proto.js" {
  interface MessageType {
    decode(bytes: Uint8Array): object;
    encode(message: object): { finish(): Uint8Array };
    toObject(message: object, options: Record<string, unknown>): unknown;
  }

  function getProtoRoot(): { lookupType(name: string): MessageType };
}
