/**
 * A filter compiled once into a test of raw HTTP events, which makes no object and no string.
 * @module
 */

import type { Network } from "../ffi/event.ts";
import {
  type Filter,
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
import { compileGlob, type Glob } from "./glob.ts";
import type { HttpSubject } from "./http-subject.ts";
import { maskByte } from "./network.ts";
import type { NumberRange } from "./number-range.ts";
import { lotOf } from "./sampling.ts";

type RawTest = (subject: HttpSubject) => boolean;

const NANO_PER_MILLI = 1e6;
const TWO_TO_32 = 2 ** 32;

/** True or false: the answer is the same for every HTTP event. */
const compileRaw = (filter: Filter): RawTest | boolean => {
  const { any, none } = splitTerms(protocolKind, filter.protocol ?? []);
  if (none.includes("http") || (any.length > 0 && !any.includes("http"))) return false;
  // The cheapest first.
  const tests: RawTest[] = [];
  if (filter.status !== undefined) {
    const status = rangeTest(splitTerms(statusKind, filter.status));
    tests.push(({ event }) => status(event.status));
  }
  if (filter.port !== undefined) {
    const port = rangeTest(splitTerms(portKind, filter.port));
    tests.push(({ event }) => port(event.serverPort));
  }
  if (filter.method !== undefined) tests.push(methodTest(splitTerms(methodKind, filter.method)));
  if (filter.minDurationMs !== undefined) tests.push(durationTest(filter.minDurationMs * NANO_PER_MILLI));
  if (filter.sample !== undefined) tests.push(sampleTest(filter.sample));
  if (filter.client !== undefined) {
    const client = networkTest(splitTerms(networkKind, filter.client));
    tests.push(({ event }) => client(event.words, event.clientAddressAt >> 2));
  }
  if (filter.server !== undefined) {
    const server = networkTest(splitTerms(networkKind, filter.server));
    tests.push(({ event }) => server(event.words, event.serverAddressAt >> 2));
  }
  if (filter.host !== undefined) tests.push(hostTest(splitTerms(hostKind, filter.host)));
  if (filter.path !== undefined) tests.push(pathTest(splitTerms(pathKind, filter.path)));
  return all(tests);
};

const all = (tests: readonly RawTest[]): RawTest | true => {
  const [first, second, ...others] = tests;
  if (first === undefined) return true;
  if (second === undefined) return first;
  const rest = all([second, ...others]) as RawTest;
  return (subject) => first(subject) && rest(subject);
};

const rangeTest = ({ any, none }: Terms<NumberRange>) => {
  const isIn = (ranges: readonly NumberRange[], value: number): boolean => {
    for (let index = 0; index < ranges.length; index++) {
      const range = ranges[index] as NumberRange;
      if (value >= range.low && value <= range.high) return true;
    }
    return false;
  };
  return (value: number): boolean => (any.length === 0 || isIn(any, value)) && !isIn(none, value);
};

const durationTest =
  (minNano: number): RawTest =>
  ({ event }) =>
    (event.endHigh - event.startHigh) * TWO_TO_32 + (event.endLow - event.startLow) >= minNano;

const sampleTest =
  (rate: number): RawTest =>
  ({ event }) =>
    lotOf(event.seq) < rate;

const methodTest = ({ any, none }: Terms<string>): RawTest => {
  const anyBytes = any.map((text) => Buffer.from(text));
  const noneBytes = none.map((text) => Buffer.from(text));
  const isIn = (methods: readonly Uint8Array[], { event }: HttpSubject): boolean => {
    for (let index = 0; index < methods.length; index++) {
      const method = methods[index] as Uint8Array;
      if (method.length === event.methodLength && isMethod(method, event.bytes, event.methodAt)) return true;
    }
    return false;
  };
  return (subject) => (any.length === 0 || isIn(anyBytes, subject)) && !isIn(noneBytes, subject);
};

/** method: in upper case. */
const isMethod = (method: Uint8Array, bytes: Uint8Array, at: number): boolean => {
  for (let index = 0; index < method.length; index++) {
    const byte = bytes[at + index] as number;
    if (method[index] !== (byte >= 97 && byte <= 122 ? byte - 32 : byte)) return false;
  }
  return true;
};

/** Of the address whose first word is at `word`. */
const networkTest = ({ any, none }: Terms<Network>) => {
  const anyWords = any.map(networkWords);
  const noneWords = none.map(networkWords);
  const isIn = (networks: readonly Uint32Array[], words: Uint32Array, word: number): boolean => {
    for (let index = 0; index < networks.length; index++) {
      const network = networks[index] as Uint32Array;
      // The last word differs most often.
      if (
        (((words[word + 3] as number) ^ (network[3] as number)) & (network[7] as number)) === 0 &&
        (((words[word + 2] as number) ^ (network[2] as number)) & (network[6] as number)) === 0 &&
        (((words[word + 1] as number) ^ (network[1] as number)) & (network[5] as number)) === 0 &&
        (((words[word] as number) ^ (network[0] as number)) & (network[4] as number)) === 0
      )
        return true;
    }
    return false;
  };
  return (words: Uint32Array, word: number): boolean =>
    (any.length === 0 || isIn(anyWords, words, word)) && !isIn(noneWords, words, word);
};

/** Address and mask, in the order of bytes that an event has. */
const networkWords = ({ address, prefixLength }: Network): Uint32Array =>
  new Uint32Array(Uint8Array.from([...address, ...address.map((_, index) => maskByte(prefixLength, index))]).buffer);

const hostTest = ({ any, none }: Terms<string>): RawTest => {
  const anyGlobs = any.map((pattern) => compileGlob(pattern, { ignoreCase: true }));
  const noneGlobs = none.map((pattern) => compileGlob(pattern, { ignoreCase: true }));
  const isIn = (globs: readonly Glob[], subject: HttpSubject): boolean => {
    const { bytes, hostAt, hostLength } = subject.event;
    const { hostNameLength } = subject;
    for (let index = 0; index < globs.length; index++) {
      const glob = globs[index] as Glob;
      if (glob.matchesBytes(bytes, hostAt, hostLength)) return true;
      if (hostNameLength < hostLength && glob.matchesBytes(bytes, hostAt, hostNameLength)) return true;
    }
    return false;
  };
  return (subject) => (any.length === 0 || isIn(anyGlobs, subject)) && !isIn(noneGlobs, subject);
};

const pathTest = ({ any, none }: Terms<string>): RawTest => {
  const anyGlobs = any.map((pattern) => compileGlob(pattern));
  const noneGlobs = none.map((pattern) => compileGlob(pattern));
  const isIn = (globs: readonly Glob[], subject: HttpSubject): boolean => {
    if (subject.pathLength < 0) subject.readPath();
    const { pathBytes, pathAt, pathLength } = subject;
    for (let index = 0; index < globs.length; index++)
      if ((globs[index] as Glob).matchesBytes(pathBytes, pathAt, pathLength)) return true;
    return false;
  };
  return (subject) => (any.length === 0 || isIn(anyGlobs, subject)) && !isIn(noneGlobs, subject);
};

export type { RawTest };
export { compileRaw };
