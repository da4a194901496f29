/**
 * A filter compiled once into a test of raw HTTP events, which makes no object and no string. All filters are of one shape, so
 * that a hundred different ones run the same few instructions.
 * @module
 */

import type { Network } from "../ffi/event.ts";
import {
  type Filter,
  hasPort,
  hostKind,
  methodKind,
  networkKind,
  pathKind,
  portKind,
  protocolKind,
  splitTerms,
  statusKind,
  type Terms,
} from "./filter.ts";
import { Glob } from "./glob.ts";
import type { HttpSubject } from "./http-subject.ts";
import { maskByte } from "./network.ts";
import type { NumberRange } from "./number-range.ts";
import { hasPairs, type Pairs } from "./path-pairs.ts";
import { lotOf } from "./sampling.ts";

const NANO_PER_MILLI = 1e6;
const TWO_TO_32 = 2 ** 32;
const LOWER_A = 97;
const LOWER_Z = 122;
const CASE_BIT = 32;

/** Absent conditions hold. */
class RawFilter {
  /** It selects no HTTP event. */
  readonly isForOthers: boolean;
  /** Which every path has that it selects; see {@link HttpSubject.pathPairs}. */
  readonly pathPairs: Pairs;
  readonly #status: RangeTest | undefined;
  readonly #port: RangeTest | undefined;
  readonly #method: MethodTest | undefined;
  readonly #client: NetworkTest | undefined;
  readonly #server: NetworkTest | undefined;
  readonly #host: HostTest | undefined;
  readonly #path: PathTest | undefined;
  readonly #minNano: number;
  readonly #sample: number;

  constructor(filter: Filter) {
    const { any, none } = splitTerms(protocolKind, filter.protocol ?? []);
    this.isForOthers = none.includes("http") || (any.length > 0 && !any.includes("http"));
    this.#status = filter.status && new RangeTest(splitTerms(statusKind, filter.status));
    this.#port = filter.port && new RangeTest(splitTerms(portKind, filter.port));
    this.#method = filter.method && new MethodTest(splitTerms(methodKind, filter.method));
    this.#client = filter.client && new NetworkTest(splitTerms(networkKind, filter.client));
    this.#server = filter.server && new NetworkTest(splitTerms(networkKind, filter.server));
    this.#host = filter.host && new HostTest(splitTerms(hostKind, filter.host));
    this.#path = filter.path && new PathTest(splitTerms(pathKind, filter.path));
    this.pathPairs = this.#path?.pairs ?? NO_PAIRS;
    this.#minNano = (filter.minDurationMs ?? 0) * NANO_PER_MILLI;
    this.#sample = filter.sample ?? 1;
  }

  /** The cheapest first. */
  selects(subject: HttpSubject): boolean {
    const { event } = subject;
    return (
      !this.isForOthers &&
      (this.#status === undefined || this.#status.has(event.status)) &&
      (this.#port === undefined || this.#port.has(event.serverPort)) &&
      (this.#minNano === 0 || durationNano(subject) >= this.#minNano) &&
      (this.#sample === 1 || lotOf(event.seq) < this.#sample) &&
      (this.#client === undefined || this.#client.has(event.words, event.clientAddressAt >> 2)) &&
      (this.#server === undefined || this.#server.has(event.words, event.serverAddressAt >> 2)) &&
      (this.#method === undefined || this.#method.has(subject)) &&
      (this.#path === undefined || this.#path.has(subject)) &&
      (this.#host === undefined || this.#host.has(subject))
    );
  }
}

const durationNano = ({ event }: HttpSubject): number =>
  (event.endHigh - event.startHigh) * TWO_TO_32 + (event.endLow - event.startLow);

class RangeTest {
  readonly #any: readonly NumberRange[];
  readonly #none: readonly NumberRange[];

  constructor({ any, none }: Terms<NumberRange>) {
    this.#any = any;
    this.#none = none;
  }

  has(value: number): boolean {
    return (this.#any.length === 0 || isInRange(this.#any, value)) && !isInRange(this.#none, value);
  }
}

const isInRange = (ranges: readonly NumberRange[], value: number): boolean => {
  for (let index = 0; index < ranges.length; index++) {
    const range = ranges[index] as NumberRange;
    if (value >= range.low && value <= range.high) return true;
  }
  return false;
};

class MethodTest {
  readonly #any: readonly Uint8Array[];
  readonly #none: readonly Uint8Array[];

  constructor({ any, none }: Terms<string>) {
    this.#any = any.map((text) => Buffer.from(text));
    this.#none = none.map((text) => Buffer.from(text));
  }

  has(subject: HttpSubject): boolean {
    return (this.#any.length === 0 || isMethod(this.#any, subject)) && !isMethod(this.#none, subject);
  }
}

/** methods: in upper case. */
const isMethod = (methods: readonly Uint8Array[], { event }: HttpSubject): boolean => {
  for (let index = 0; index < methods.length; index++) {
    const method = methods[index] as Uint8Array;
    if (method.length !== event.methodLength) continue;
    const { bytes, methodAt } = event;
    let at = 0;
    while (at < method.length && method[at] === upperCase(bytes[methodAt + at] as number)) at++;
    if (at === method.length) return true;
  }
  return false;
};

const upperCase = (byte: number): number => (byte >= LOWER_A && byte <= LOWER_Z ? byte - CASE_BIT : byte);

class NetworkTest {
  readonly #any: readonly Uint32Array[];
  readonly #none: readonly Uint32Array[];

  constructor({ any, none }: Terms<Network>) {
    this.#any = any.map(networkWords);
    this.#none = none.map(networkWords);
  }

  /** word: where the address begins. */
  has(words: Uint32Array, word: number): boolean {
    return (this.#any.length === 0 || isInNetwork(this.#any, words, word)) && !isInNetwork(this.#none, words, word);
  }
}

/** Address and mask, in the order of bytes that an event has. */
const networkWords = ({ address, prefixLength }: Network): Uint32Array =>
  new Uint32Array(Uint8Array.from([...address, ...address.map((_, index) => maskByte(prefixLength, index))]).buffer);

const isInNetwork = (networks: readonly Uint32Array[], words: Uint32Array, word: number): boolean => {
  for (let index = 0; index < networks.length; index++) {
    const network = networks[index] as Uint32Array;
    // The last word differs most often.
    let at = 3;
    while (at >= 0 && (((words[word + at] as number) ^ (network[at] as number)) & (network[at + 4] as number)) === 0)
      at--;
    if (at < 0) return true;
  }
  return false;
};

class HostTest {
  readonly #any: readonly HostGlob[];
  readonly #none: readonly HostGlob[];

  constructor({ any, none }: Terms<string>) {
    this.#any = any.map((pattern) => new HostGlob(pattern));
    this.#none = none.map((pattern) => new HostGlob(pattern));
  }

  has(subject: HttpSubject): boolean {
    if (subject.hostNameLength < 0) subject.readHost();
    return (this.#any.length === 0 || isHost(this.#any, subject)) && !isHost(this.#none, subject);
  }
}

class HostGlob {
  readonly hasPort: boolean;
  readonly glob: Glob;

  constructor(pattern: string) {
    this.hasPort = hasPort(pattern);
    this.glob = new Glob(pattern, { ignoreCase: true });
  }
}

const isHost = (globs: readonly HostGlob[], subject: HttpSubject): boolean => {
  for (let index = 0; index < globs.length; index++) {
    const { hasPort, glob } = globs[index] as HostGlob;
    if (hasPort) {
      const { bytes, hostAt, hostLength } = subject.event;
      if (glob.matchesBytes(bytes, hostAt, hostLength)) return true;
    } else {
      if (!glob.mayMatch(subject.hostNameLength, subject.hostHead, subject.hostNameTail)) continue;
      if (glob.matchesBytes(subject.event.bytes, subject.event.hostAt, subject.hostNameLength)) return true;
    }
  }
  return false;
};

const NO_PAIRS: Pairs = { low: 0, high: 0 };

class PathTest {
  /** Those that all of the wanted patterns have. */
  readonly pairs: Pairs;
  readonly #any: readonly Glob[];
  readonly #none: readonly Glob[];

  constructor({ any, none }: Terms<string>) {
    this.#any = any.map((pattern) => new Glob(pattern));
    this.#none = none.map((pattern) => new Glob(pattern));
    this.pairs = this.#any.length === 0 ? NO_PAIRS : this.#any.map(({ pairs }) => pairs).reduce(commonPairs);
  }

  has(subject: HttpSubject): boolean {
    if (subject.pathLength < 0) subject.readPath();
    return (this.#any.length === 0 || isPath(this.#any, subject)) && !isPath(this.#none, subject);
  }
}

const commonPairs = (one: Pairs, other: Pairs): Pairs => ({ low: one.low & other.low, high: one.high & other.high });

const isPath = (globs: readonly Glob[], subject: HttpSubject): boolean => {
  for (let index = 0; index < globs.length; index++) {
    const glob = globs[index] as Glob;
    if (!glob.mayMatch(subject.pathLength, subject.pathHead, subject.pathTail)) continue;
    if (!hasPairs(subject.pathPairs, glob.pairs)) continue;
    if (glob.matchesBytes(subject.pathBytes, subject.pathAt, subject.pathLength)) return true;
  }
  return false;
};

export { RawFilter };
