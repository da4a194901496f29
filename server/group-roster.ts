import type { FanOut } from "./fan-out.ts";
import { Group, groupKey } from "./group.ts";
import type { Subscriber } from "./subscriber.ts";

/** Which groups a fan-out has, and who is in which. A group is there for as long as it has members. */
class GroupRoster {
  readonly #fanOut: FanOut;
  readonly #groups = new Map<string, Group>();

  constructor(fanOut: FanOut) {
    this.#fanOut = fanOut;
  }

  /** It is given what is handed out from now on. */
  join(subscriber: Subscriber): void {
    this.#fanOut.flush();
    const { filter, format } = subscriber;
    const key = groupKey(filter, format);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new Group(filter, format);
      this.#groups.set(key, group);
      this.#fanOut.groups = [...this.#groups.values()];
    }
    group.members.add(subscriber);
    subscriber.group = group;
  }

  /** Flush the fan-out before. Harmless when it is in none. */
  leave(subscriber: Subscriber): void {
    subscriber.group = undefined;
    const group = this.#groups.get(groupKey(subscriber.filter, subscriber.format));
    if (group === undefined || !group.members.delete(subscriber) || group.members.size > 0) return;
    this.#groups.delete(group.key);
    this.#fanOut.groups = [...this.#groups.values()];
  }
}

export { GroupRoster };
