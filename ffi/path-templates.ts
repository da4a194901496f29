import { RE2JS, RE2Set } from "re2js";
import { unescaped } from "./unescaped.ts";

const REST = "/**";
const WILDCARD = /\*|\{\w+\}/;

/**
 * Patterns of whole paths, such as `/users/{id}/orders/*`, of which the first that matches names a path: `*` and `{name}`
 * are one or more characters of one segment, a last `/**` is any number of further segments, all else is itself. Empty
 * segments do not count, so `/users//42/` is `/users/42`. However many there are, a path is read once.
 */
export class PathTemplates {
  readonly #all: TemplateSet;
  /** Those that say nothing of a path's end. */
  readonly #open: TemplateSet;

  constructor(templates: readonly string[]) {
    this.#all = new TemplateSet(templates);
    this.#open = new TemplateSet(templates.filter((template) => template.endsWith(REST)));
  }

  /** Of a path that was cut only its whole segments are known, and nothing of what followed. */
  match(path: string, truncated: boolean): string | undefined {
    return truncated ? this.#open.match(path.slice(0, path.lastIndexOf("/"))) : this.#all.match(path);
  }
}

class TemplateSet {
  readonly #templates: readonly string[];
  readonly #set = new RE2Set(RE2Set.ANCHOR_BOTH, RE2JS.DOTALL);

  constructor(templates: readonly string[]) {
    this.#templates = templates;
    for (const template of templates) this.#set.add(expression(template));
    this.#set.compile();
  }

  match(path: string): string | undefined {
    if (this.#templates.length === 0) return undefined;
    return this.#templates[Math.min(...this.#set.match(unescaped(path).text))];
  }
}

function expression(template: string): string {
  const isOpen = template.endsWith(REST);
  const segments = (isOpen ? template.slice(0, -REST.length) : template).split("/").filter((segment) => segment !== "");
  const literal = (text: string) => RE2JS.quote(unescaped(text).text);
  const fixed = segments.map((segment) => `/+${segment.split(WILDCARD).map(literal).join("[^/]+")}`);
  return `${fixed.join("")}${isOpen ? "(?:/.*)?" : "/*"}`;
}
