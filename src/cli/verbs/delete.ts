import type { KubernetesObject } from "../../api/core.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { any, type Cluster, type Context, verb } from "../command.ts";
import { Discovery, type KnownResource } from "../discovery.ts";
import { CommandError, UsageError } from "../errors.ts";
import { readAll } from "../manifests.ts";
import { whenInterrupted } from "../terminal.ts";

export const deleteObjects = verb({
  flags: {
    filename: { takes: "texts", short: "f", value: "FILE|DIR|-", help: "the objects of these files" },
    "ignore-not-found": { takes: "nothing", help: "an object that is not there is as good as deleted" },
    wait: { takes: "nothing", initially: true, help: "do not wait" },
  },
  words: { least: 0, most: any },
  async run({ words: [kind, ...names], flags }, context) {
    const cluster = await context.cluster();
    const discovery = new Discovery(cluster.client);
    const targets =
      kind === undefined
        ? await targetsInFiles(flags.filename, discovery, context)
        : await targetsNamed(kind, names, discovery, cluster);
    let failures = 0;
    for (const target of targets) {
      try {
        await remove(cluster, target, flags.wait, context);
        const { group, kind: removed } = target.resource;
        const word = group === "" ? removed.toLowerCase() : `${removed.toLowerCase()}.${group}`;
        context.terminal.out(`${word} "${target.name}" deleted\n`);
      } catch (error) {
        if (!(error instanceof ApiError) || error.kind !== "notFound") throw error;
        if (flags["ignore-not-found"]) continue;
        context.terminal.error(`Error: ${error.message}\n`);
        failures += 1;
      }
    }
    return failures === 0 ? 0 : 1;
  },
});

interface Target {
  readonly resource: KnownResource;
  readonly namespace: string | undefined;
  readonly name: string;
}

async function targetsNamed(
  kind: string,
  names: readonly string[],
  discovery: Discovery,
  { namespace }: Cluster,
): Promise<readonly Target[]> {
  if (names.length === 0) throw new UsageError(`must say which: teal delete ${kind} NAME`);
  const resource = await discovery.named(kind);
  return names.map((name) => ({ resource, namespace, name }));
}

async function targetsInFiles(
  filenames: readonly string[],
  discovery: Discovery,
  { terminal, cluster }: Context,
): Promise<readonly Target[]> {
  const documents = await readAll(filenames, () => terminal.read());
  const targets: Target[] = [];
  for (const document of documents) {
    if ("problem" in document) throw new CommandError(`${document.source}: ${document.problem}`);
    const { apiVersion, kind, metadata } = document.manifest;
    const resource = await discovery.ofKind(apiVersion, kind);
    if (resource === undefined)
      throw new CommandError(`${document.source}: no matches for kind "${kind}" in version "${apiVersion}"`);
    if (metadata.name === undefined)
      throw new CommandError(`${document.source}: ${kind} without metadata.name`);
    targets.push({
      resource,
      namespace: metadata.namespace ?? (await cluster()).namespace,
      name: metadata.name,
    });
  }
  return targets;
}

async function remove(
  cluster: Cluster,
  { resource, namespace, name }: Target,
  wait: boolean,
  { terminal }: Context,
): Promise<void> {
  const { client } = cluster;
  const { metadata } = await client.get<KubernetesObject>(resource, namespace, name);
  const request = { uid: metadata.uid, propagationPolicy: "Background" } as const;
  if (!wait) return client.delete(resource, namespace, name, request);
  const gone = Promise.withResolvers<void>();
  // Opened before the request, so that the end cannot be missed.
  const cancel = client.watch(
    resource,
    { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion: metadata.resourceVersion },
    {
      event(event) {
        if (event.type === "DELETED" && event.object.metadata.uid === metadata.uid) gone.resolve();
        if (event.type === "ERROR")
          gone.reject(ApiError.fromResponse(event.object.code ?? 500, event.object));
      },
      ended: (error) => gone.reject(error ?? new Error("the server has ended the watch")),
    },
  );
  const unlisten = whenInterrupted(terminal, () => gone.resolve());
  // Refused after the deletion itself has failed, the wait is of no interest any more.
  gone.promise.catch(() => {});
  try {
    await client.delete(resource, namespace, name, request);
    await gone.promise.catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new CommandError(
        `${resource.plural} "${name}" is to be deleted, and nobody can say when it is gone: ${why}. ` +
          "With --wait=false nobody waits",
      );
    });
  } finally {
    unlisten();
    cancel();
  }
}
