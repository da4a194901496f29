import type { ReportedPath } from "./event.ts";
import { PathTemplates } from "./path-templates.ts";
import { QueryRedaction } from "./query-redaction.ts";
import { REDACTED, Redaction, type RedactionRule } from "./redaction.ts";
import { remember } from "./remember.ts";

/** What may be reported of a request target. */
export interface TargetRules {
  /** The first that matches a path is reported beside it; see {@link PathTemplates}. */
  templates: readonly string[];
  /** Instead of it, and nothing of a path that none matches. */
  templateOnly: boolean;
  /** Applied in order, each to what the one before left, to path and query alike. */
  redactions: readonly RedactionRule[];
  /** Query parameters whose values are hidden, beside those that always are. */
  secretParameters: readonly string[];
}

const SLASH = 47;
const CACHED_PATHS_MAX = 8192;
/** A longer path is hardly ever the same twice. */
const CACHED_PATH_LENGTH_MAX = 512;
const HIDDEN_PATH = `/${REDACTED}`;

/** Scheme, authority and path of an absolute form (RFC 9112 section 3.2.2); of the forms without a path only the second. */
const PARTS = /^([a-z][a-z0-9+.-]*:\/\/)?([^/]*)(.*)$/is;
/** Authority form and asterisk form. */
const WITHOUT_PATH = /^(?:.+:\d+|\*)$/s;

/**
 * Decides what leaves the process of a request target. Everything that reads a target passes it on through here, and only
 * what comes back is reported. Work is linear in the target's length, whatever it holds.
 */
export class TargetPolicy {
  /** True: a path that begins with `/` is reported as it is, so {@link path} need not be asked. */
  readonly isIdentity: boolean;
  readonly #templates: PathTemplates;
  readonly #templateOnly: boolean;
  readonly #redactions: readonly Redaction[];
  readonly #query: QueryRedaction;
  readonly #paths = new Map<string, ReportedPath>();

  constructor(rules: Partial<TargetRules> = {}) {
    const { templates = [], templateOnly = false, redactions = [], secretParameters = [] } = rules;
    this.isIdentity = templates.length === 0 && !templateOnly && redactions.length === 0;
    this.#templates = new PathTemplates(templates);
    this.#templateOnly = templateOnly;
    this.#redactions = redactions.map((rule) => new Redaction(rule));
    this.#query = new QueryRedaction(secretParameters);
  }

  /**
   * text: the request target up to `?`, in any of its forms. truncated: it went on after that.
   * The same text gives the same object again, most of the time.
   */
  path(text: string, truncated: boolean): ReportedPath {
    const isPath = text.charCodeAt(0) === SLASH;
    if (this.isIdentity && isPath) return { path: text };
    if (truncated || text.length > CACHED_PATH_LENGTH_MAX) return this.#decide(text, isPath, truncated);
    return remember(this.#paths, CACHED_PATHS_MAX, text, () => this.#decide(text, isPath, truncated));
  }

  /** text: what follows `?`. */
  query(text: string): string {
    return this.#redact(this.#query.apply(text));
  }

  #decide(text: string, isPath: boolean, truncated: boolean): ReportedPath {
    if (isPath) return this.#decidePath("", text, truncated);
    const [, scheme = "", authority = "", path = ""] = PARTS.exec(text) ?? [];
    const place = withoutCredentials(authority, truncated && path === "");
    if (scheme + path !== "") return this.#decidePath(scheme + place, path, truncated);
    return { path: this.#templateOnly && !WITHOUT_PATH.test(place) ? REDACTED : this.#redact(place) };
  }

  #decidePath(place: string, path: string, truncated: boolean): ReportedPath {
    const template = this.#templates.match(path, truncated);
    const reported = this.#templateOnly ? `${place}${template ?? HIDDEN_PATH}` : this.#redact(place + path);
    return template === undefined ? { path: reported } : { path: reported, template };
  }

  #redact(text: string): string {
    let result = text;
    for (const redaction of this.#redactions) result = redaction.apply(result);
    return result;
  }
}

/** Credentials are no part of where a request goes. Of an authority that was cut nobody knows whether it holds them. */
function withoutCredentials(authority: string, isCut: boolean): string {
  if (isCut) return REDACTED;
  const at = authority.lastIndexOf("@");
  return at < 0 ? authority : `${REDACTED}:${REDACTED}${authority.slice(at)}`;
}
