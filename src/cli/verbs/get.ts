import { stringify } from "yaml";
import type { KubernetesObject } from "../../api/core.ts";
import { pathOf } from "../../api/resources.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import type { ApiRequest } from "../../kubernetes/transport.ts";
import { any, type Cluster, verb } from "../command.ts";
import { Discovery, type KnownResource, objectName } from "../discovery.ts";
import { UsageError } from "../errors.ts";
import { inOrderOfTime, isEvents } from "../event-order.ts";
import { oneOf, wholeNumber } from "../flags.ts";
import { printServerTable, type Table, tableAccept } from "../print/server-table.ts";
import { type Terminal, whenInterrupted } from "../terminal.ts";
import { getRollout } from "./get-rollout.ts";

const forms = ["json", "yaml", "wide", "name"] as const;

export const get = verb({
  flags: {
    "all-namespaces": { takes: "nothing", short: "A", help: "of all namespaces" },
    output: {
      takes: "text",
      short: "o",
      value: forms.join("|"),
      help: "another form than the table or tree",
    },
    watch: { takes: "nothing", short: "w", help: "go on and show changes" },
    selector: { takes: "text", short: "l", value: "LABELS", help: "only objects with these labels: app=web" },
    "no-color": { takes: "nothing", help: "no colours in the tree" },
    "timeout-seconds": { takes: "text", value: "N", help: "with --watch of a rollout: stop after this time" },
  },
  words: { least: 1, most: any },
  async run({ words: [kind = "", ...names], flags }, context) {
    const { watch, selector } = flags;
    const output = oneOf("output", flags.output, forms);
    const [name] = names;
    if (isRollout(kind) && name !== undefined && names.length === 1 && output === undefined) {
      const timeoutSeconds = wholeNumber("timeout-seconds", flags["timeout-seconds"]);
      return getRollout(name, { watch, noColour: flags["no-color"], timeoutSeconds }, context);
    }
    const cluster = await context.cluster();
    const query: Query = {
      resource: await new Discovery(cluster.client).named(kind),
      names,
      namespace: flags["all-namespaces"] ? undefined : cluster.namespace,
      selector,
    };
    if (output === undefined || output === "wide") {
      const wide = output === "wide";
      return watch
        ? watchTable(cluster, query, wide, context.terminal)
        : showTable(cluster, query, wide, context.terminal);
    }
    if (watch) throw new UsageError(`--watch shows tables; it cannot be used with --output ${output}`);
    context.terminal.out(printObjects(await read(cluster, query), query, output));
    return 0;
  },
});

interface Query {
  readonly resource: KnownResource;
  /** All when empty. */
  readonly names: readonly string[];
  /** All when absent. */
  readonly namespace: string | undefined;
  readonly selector: string | undefined;
}

function isRollout(word: string): boolean {
  return ["rollout", "rollouts", "ro", "rollout.argoproj.io", "rollouts.argoproj.io"].includes(word);
}

function requests({ resource, names, namespace, selector }: Query): readonly ApiRequest[] {
  const query = selector === undefined ? {} : { labelSelector: selector };
  const paths =
    names.length === 0
      ? [pathOf(resource, namespace)]
      : names.map((name) => pathOf(resource, namespace, name));
  return paths.map((path) => ({ method: "GET", path, query }));
}

async function showTable(
  { client }: Cluster,
  query: Query,
  wide: boolean,
  terminal: Terminal,
): Promise<number> {
  const tables: Table[] = [];
  for (const request of requests(query))
    tables.push((await client.raw(tableRequest(request, query))) as Table);
  const rows = ordered(
    query,
    tables.flatMap((table) => table.rows ?? []),
    ({ object }) => object ?? {},
  );
  if (rows.length === 0) {
    const where =
      query.namespace === undefined || !query.resource.namespaced ? "" : ` in ${query.namespace} namespace`;
    terminal.error(`No resources found${where}.\n`);
    return 0;
  }
  const style = { wide, withNamespace: showsNamespace(query), withHeader: true };
  terminal.out(printServerTable({ ...tables[0], rows }, style));
  return 0;
}

/** Rows come with the metadata of their objects, and with all of them where that decides the order. */
function tableRequest(request: ApiRequest, { resource }: Query): ApiRequest {
  const whole = isEvents(resource) ? { includeObject: "Object" } : {};
  return { ...request, query: { ...request.query, ...whole }, accept: tableAccept };
}

function ordered<T>({ resource }: Query, items: readonly T[], objectOf: (item: T) => object): readonly T[] {
  return isEvents(resource) ? inOrderOfTime(items, objectOf) : items;
}

function showsNamespace({ namespace, resource }: Query): boolean {
  return namespace === undefined && resource.namespaced;
}

/** Prints what is there and then a line for each change, until the person stops it. */
async function watchTable(
  { client }: Cluster,
  query: Query,
  wide: boolean,
  terminal: Terminal,
): Promise<number> {
  const { resource, names, namespace, selector } = query;
  if (names.length > 1) throw new UsageError("--watch: only one NAME, or none for all");
  const name = names[0];
  const ended = Promise.withResolvers<number>();
  let withHeader = true;
  let columnDefinitions: NonNullable<Table["columnDefinitions"]> = [];
  const cancel = client.transport.watch(
    {
      method: "GET",
      path: pathOf(resource, namespace),
      accept: tableAccept,
      query: {
        watch: "true",
        ...(selector === undefined ? {} : { labelSelector: selector }),
        ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
      },
    },
    {
      event(event) {
        if (event.type === "ERROR") {
          ended.reject(ApiError.fromResponse(event.object.code ?? 500, event.object));
          return;
        }
        // The server was asked for tables, so the object is one.
        const table = event.object as unknown as Table;
        const style = { wide, withNamespace: showsNamespace(query), withHeader };
        // Only the first table says what its columns are.
        columnDefinitions = table.columnDefinitions ?? columnDefinitions;
        if (event.type !== "BOOKMARK") terminal.out(printServerTable({ ...table, columnDefinitions }, style));
        withHeader = false;
      },
      ended(error) {
        if (error === undefined) ended.resolve(0);
        else ended.reject(error);
      },
    },
  );
  const unlisten = whenInterrupted(terminal, () => ended.resolve(0));
  try {
    return await ended.promise;
  } finally {
    unlisten();
    cancel();
  }
}

interface ObjectList extends KubernetesObject {
  readonly items: readonly KubernetesObject[];
}

async function read({ client }: Cluster, query: Query): Promise<readonly KubernetesObject[]> {
  const answers: KubernetesObject[] = [];
  for (const request of requests(query)) {
    const answer = (await client.raw(request)) as KubernetesObject | ObjectList;
    if (!("items" in answer)) answers.push(answer);
    // Items of a list come without their kind.
    else answers.push(...answer.items.map((item) => ({ ...kindOf(query.resource), ...item })));
  }
  return ordered(query, answers, (event) => event).map(withoutManagedFields);
}

function kindOf({ group, version, kind }: KnownResource): { apiVersion: string; kind: string } {
  return { apiVersion: group === "" ? version : `${group}/${version}`, kind };
}

function withoutManagedFields(object: KubernetesObject): KubernetesObject {
  const metadata: KubernetesObject["metadata"] & { managedFields?: unknown } = { ...object.metadata };
  delete metadata.managedFields;
  return { ...object, metadata };
}

function printObjects(objects: readonly KubernetesObject[], query: Query, output: string): string {
  if (output === "name")
    return objects.map(({ metadata }) => `${objectName(query.resource, metadata.name)}\n`).join("");
  const [single] = objects;
  const whole =
    query.names.length === 1 && single !== undefined
      ? single
      : { apiVersion: "v1", items: objects, kind: "List", metadata: { resourceVersion: "" } };
  return output === "json"
    ? `${JSON.stringify(whole, null, 4)}\n`
    : stringify(whole, { sortMapEntries: true, lineWidth: 0 });
}
