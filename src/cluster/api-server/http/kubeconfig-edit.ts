import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  Scalar,
  type ToStringOptions,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";

/** What Teal writes into a kubeconfig, under its name. */
export interface OwnEntries {
  readonly name: string;
  readonly cluster: Readonly<Record<string, string>>;
  readonly user: Readonly<Record<string, string>>;
}

/**
 * The text of a kubeconfig with Teal's cluster, user and context in it, and that context as the current one. Everything else
 * stays as it is written there: other clusters, their order, comments, unknown fields.
 * @throws Error when the text is no kubeconfig.
 */
export function withEntries(file: string, text: string, { name, cluster, user }: OwnEntries): string {
  const config = readConfig(file, text);
  const entryOf = (list: string): YAMLMap => entryIn(config, listIn(config, list, file), name);
  setFields(config, entryOf("clusters"), "cluster", cluster);
  setFields(config, entryOf("users"), "user", user);
  const context = entryOf("contexts");
  const namespace = context.getIn(["context", "namespace"]) ?? "default";
  setFields(config, context, "context", { cluster: name, user: name, namespace });
  setValue(config, config.contents, "current-context", name);
  return config.toString({ lineWidth: 0, ...styleOf(text) });
}

/** The text without Teal's entries, and without a current context when that was Teal's. @throws Error when it is no kubeconfig. */
export function withoutEntries(file: string, text: string, name: string): string {
  const config = readConfig(file, text);
  for (const key of lists) {
    const list = config.contents.get(key, true) as unknown;
    if (!isSeq(list)) continue;
    const index = list.items.findIndex((item) => isMap(item) && item.get("name") === name);
    if (index >= 0) list.delete(index);
  }
  if (config.get("current-context") === name) config.delete("current-context");
  return config.toString({ lineWidth: 0, ...styleOf(text) });
}

/**
 * The cluster with this name; an empty one when only a user or a context has the name, undefined when nobody has.
 * @throws Error when the text is no kubeconfig.
 */
export function clusterNamed(file: string, text: string, name: string): NamedCluster | undefined {
  const config = readConfig(file, text);
  const found = lists.map((key) =>
    listBehind(config.get(key, true), config).find((entry) => entry?.name === name),
  );
  if (found.every((entry) => entry === undefined)) return undefined;
  return found[0]?.cluster ?? {};
}

/** A kubeconfig whose root is a map. */
type Config = Document & { contents: YAMLMap };

function readConfig(file: string, text: string): Config {
  const refuse = (why: string): never => {
    throw new Error(`${file} is no kubeconfig and is left as it is (${why}): mend it, or name another file`);
  };
  // All scalars are texts, so that `00123` or `1e3` of somebody else is not taken for a number and written as another one.
  const config: Document = parseDocument(text, { schema: "failsafe" });
  const [error] = config.errors;
  if (error !== undefined) return refuse(error.message.split("\n")[0] ?? "");
  if (config.contents === null || (isScalar(config.contents) && config.contents.value === "")) {
    config.contents = config.createNode({ apiVersion: "v1", kind: "Config" });
  }
  if (!isMap(config.contents)) return refuse("it is not a map of fields");
  const isEmpty = config.contents.items.length === 0;
  const isMeant = isEmpty || known.some((field) => config.has(field));
  const kind = config.get("kind") ?? (isMeant ? "Config" : undefined);
  if (kind !== "Config") return refuse(`its kind is ${JSON.stringify(kind) ?? "not said"}, not Config`);
  return config as Config;
}

const lists = ["clusters", "users", "contexts"];
const known = [...lists, "current-context"];

/** The list under a key, which may be missing or empty. */
function listIn(config: Config, key: string, file: string): YAMLSeq {
  const node = config.contents.get(key, true) as unknown;
  if (isSeq(node)) return node;
  const isEmpty = node === undefined || (isScalar(node) && ["", "null", "~"].includes(String(node.value)));
  // An alias stands for something that may belong to somebody else, too.
  const list = config.createNode(
    isEmpty ? [] : config.get(key) === undefined ? [] : valueBehind(node, config),
  ) as unknown;
  if (!isSeq(list)) {
    throw new Error(
      `${file} is no kubeconfig and is left as it is (${key} is no list): mend it, or name another file`,
    );
  }
  config.contents.set(key, list);
  return list;
}

function valueBehind(node: unknown, config: Config): unknown {
  const resolved = (node as { toJS?: (document: Document) => unknown } | undefined)?.toJS?.(config);
  return Array.isArray(resolved) ? resolved : {};
}

/** All scalars are texts, see `readConfig`. */
type NamedCluster = { readonly server?: string; readonly "certificate-authority-data"?: string };
type Entry = { readonly name?: string; readonly cluster?: NamedCluster | null } | null;

function listBehind(node: unknown, config: Config): readonly Entry[] {
  const value = valueBehind(node, config);
  return Array.isArray(value) ? (value as Entry[]) : [];
}

/** Teal's own entry in a list; a new one at its end when there is none. */
function entryIn(config: Config, list: YAMLSeq, name: string): YAMLMap {
  const found = list.items.find((item): item is YAMLMap => isMap(item) && item.get("name") === name);
  if (found !== undefined) return found;
  const entry = config.createNode({ name }) as YAMLMap;
  list.add(entry);
  return entry;
}

/** Makes what is under `key` say just that, as far as Teal has a say: `extensions` are other programs'. */
function setFields(
  config: Config,
  entry: YAMLMap,
  key: string,
  fields: Readonly<Record<string, unknown>>,
): void {
  const there = entry.get(key, true) as unknown;
  if (!isMap(there)) entry.set(key, config.createNode({}));
  const map = entry.get(key, true) as unknown as YAMLMap;
  const foreign = map.items
    .map((pair) => String(isScalar(pair.key) ? pair.key.value : pair.key))
    .filter((name) => name !== "extensions" && !Object.hasOwn(fields, name));
  for (const name of foreign) map.delete(name);
  for (const [name, value] of Object.entries(fields)) setValue(config, map, name, String(value));
}

/** Changes the value alone, so that a comment behind it stays. */
function setValue(config: Config, map: YAMLMap, key: string, value: string): void {
  const there = map.get(key, true) as unknown;
  if (isScalar(there)) {
    there.value = value;
    return;
  }
  const scalar = config.createNode(value) as Scalar;
  // Digits alone would be read as a number.
  if (key === "token") scalar.type = Scalar.QUOTE_DOUBLE;
  map.set(key, scalar);
}

/** How the file is written, for what is new in it. */
function styleOf(text: string): ToStringOptions {
  const isJson = text.trimStart().startsWith("{");
  return {
    // kubectl writes lists as far left as their key.
    indentSeq: !/^(clusters|users|contexts):[^\n]*\n(#[^\n]*\n|[ \t]*\n)*- /m.test(text),
    flowCollectionPadding: text.includes("{ "),
    ...(isJson ? { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "QUOTE_DOUBLE" } : {}),
  };
}
