import type { Group } from "./group.ts";
import type { HttpSubject } from "./http-subject.ts";

/** Fewer are looked at sooner than the path. */
const MANY = 8;

/** Groups side by side, so that most of many need not be looked at: what a path lacks says so for all of them at once. */
class GroupTable {
  readonly groups: readonly Group[];
  /** Pairs of bytes that a path must have; none when there are few groups. */
  readonly #low: Int32Array;
  readonly #high: Int32Array;
  readonly #usesPairs: boolean;

  constructor(groups: readonly Group[]) {
    this.groups = groups;
    const pairs = groups.length < MANY ? [] : groups.map(({ raw }) => raw.pathPairs);
    this.#low = Int32Array.from(pairs, ({ low }) => low);
    this.#high = Int32Array.from(pairs, ({ high }) => high);
    this.#usesPairs = pairs.some(({ low, high }) => (low | high) !== 0);
  }

  /** Calls back for each group whose filter selects the subject. */
  forSelecting(subject: HttpSubject, take: (group: Group) => void): void {
    const { groups } = this;
    if (!this.#usesPairs) {
      for (let index = 0; index < groups.length; index++) {
        const group = groups[index] as Group;
        if (group.raw.selects(subject)) take(group);
      }
      return;
    }
    subject.readPathPairs();
    const { low, high } = subject.pathPairs;
    for (let index = 0; index < groups.length; index++) {
      if ((((this.#low[index] as number) & ~low) | ((this.#high[index] as number) & ~high)) !== 0) continue;
      const group = groups[index] as Group;
      if (group.raw.selects(subject)) take(group);
    }
  }
}

export { GroupTable };
