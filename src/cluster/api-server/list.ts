import type { KubernetesObject } from "../../api/core.ts";
import { apiVersionOf } from "../../api/resources.ts";
import { HistoryExpired, type Store } from "../store/store.ts";
import { fieldsOf } from "./json.ts";
import type { Kind } from "./kind.ts";
import { integerIn } from "./options.ts";
import { badRequest, expired, fieldError, invalidOption, Refusal } from "./refusal.ts";
import { type Matcher, parseSelectors } from "./selectors.ts";

type Query = Readonly<Record<string, string>>;

/** Answers a list: selectors, pages (`limit`, `continue`) and `resourceVersion` as the real server does. */
export function listObjects(
  store: Store,
  kind: Kind,
  namespace: string | undefined,
  query: Query,
): Record<string, unknown> {
  const matches = parseSelectors(query, kind.rules.selectable);
  const page = pageOf(store, query);
  const objects = objectsAt(store, kind, namespace, page);
  const selected = matches === undefined ? objects : objects.filter(matches);
  const rest =
    page.after === undefined
      ? selected
      : selected.filter((object) => placeInOrder(object) > (page.after ?? ""));
  const items = page.limit === undefined ? rest : rest.slice(0, page.limit);
  const last = items.at(-1);
  const remaining = rest.length - items.length;
  const token =
    remaining > 0 && last !== undefined
      ? { continue: tokenOf({ version: page.version, after: placeInOrder(last) }) }
      : {};
  // With selectors a real server does not know how many are left.
  const count = remaining > 0 && matches === undefined ? { remainingItemCount: remaining } : {};
  return listBody(
    kind,
    items.map((object) => kind.show(object)),
    page.version,
    { ...token, ...count },
  );
}

/** A list object of the kind. */
export function listBody(
  { info }: Kind,
  items: readonly KubernetesObject[],
  version: number,
  metadata: object = {},
): Record<string, unknown> {
  return {
    kind: info.listKind,
    apiVersion: apiVersionOf(info),
    metadata: { resourceVersion: String(version), ...metadata },
    items,
  };
}

/** The selector of a request that may also name one object by its path. */
export function selectorOf(kind: Kind, query: Query, name: string | undefined): Matcher | undefined {
  const matches = parseSelectors(query, kind.rules.selectable);
  if (name === undefined) return matches;
  return (object) => object.metadata.name === name && (matches === undefined || matches(object));
}

interface Page {
  readonly version: number;
  /** Key of the last object of the page before. */
  readonly after: string | undefined;
  readonly limit: number | undefined;
}

function pageOf(store: Store, query: Query): Page {
  const limit = limitOf(query);
  if (query.continue) {
    const token = parseToken(query.continue);
    return { limit, after: token.after, version: token.version < 0 ? store.version : token.version };
  }
  const { resourceVersion = "", resourceVersionMatch = "" } = query;
  checkMatch(resourceVersion, resourceVersionMatch);
  const version = versionIn(resourceVersion);
  if (version > store.version) throw tooLarge(version, store.version);
  const isExact =
    version > 0 && (resourceVersionMatch === "Exact" || (limit !== undefined && resourceVersionMatch === ""));
  return {
    version: isExact ? version : store.version,
    after: undefined,
    // A list from the cache comes whole.
    limit: resourceVersion === "0" ? undefined : limit,
  };
}

function limitOf(query: Query): number | undefined {
  const limit = integerIn(query.limit) ?? 0;
  return limit > 0 ? limit : undefined;
}

function checkMatch(resourceVersion: string, match: string): void {
  const refuse = (detail: string): never => {
    throw invalidOption("ListOptions", fieldError.forbidden("resourceVersionMatch", detail));
  };
  if (match === "") return;
  if (resourceVersion === "") refuse("resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (match !== "Exact" && match !== "NotOlderThan") {
    const error = fieldError.notSupported("resourceVersionMatch", match, ["Exact", "NotOlderThan", ""]);
    throw invalidOption("ListOptions", error);
  }
  if (match === "Exact" && resourceVersion === "0") {
    refuse('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
}

function versionIn(text: string): number {
  if (text === "") return 0;
  if (!/^\d+$/.test(text)) {
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: ` +
        `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  return Number(text);
}

function tooLarge(version: number, current: number): Refusal {
  const message = `Timeout: Too large resource version: ${version}, current: ${current}`;
  return new Refusal(504, "Timeout", message, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

function objectsAt(
  store: Store,
  kind: Kind,
  namespace: string | undefined,
  page: Page,
): readonly KubernetesObject[] {
  if (page.version === store.version) return store.list(kind.collection, namespace);
  try {
    return store.listAt(page.version, kind.collection, namespace);
  } catch (error) {
    if (!(error instanceof HistoryExpired)) throw error;
    if (page.after === undefined) throw expired(error.message);
    throw expired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list without " +
        "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. " +
        "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or " +
        "deleted between the time the first chunk was returned and now may show up in the list.",
      { continue: tokenOf({ version: -1, after: page.after }) },
    );
  }
}

function placeInOrder({ metadata }: KubernetesObject): string {
  // The separator sorts before every character of a name, as the order of the store does.
  return `${metadata.namespace ?? ""}\0${metadata.name}`;
}

function tokenOf({ version, after }: { version: number; after: string }): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: version, start: after })).toString(
    "base64url",
  );
}

function parseToken(token: string): { version: number; after: string } {
  const text = Buffer.from(token, "base64url").toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest(`invalid continue token: continue key is not valid: ${(error as Error).message}`);
  }
  const { rv, start } = fieldsOf(value);
  if (typeof rv !== "number" || typeof start !== "string") {
    throw badRequest(
      "invalid continue token: continue key is not valid: incorrect encoded start resourceVersion",
    );
  }
  return { version: rv, after: start };
}
