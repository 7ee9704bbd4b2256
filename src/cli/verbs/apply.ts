import type { KubernetesObject } from "../../api/core.ts";
import { pathOf } from "../../api/resources.ts";
import { ApiError, unlessGone } from "../../kubernetes/errors.ts";
import type { ApiRequest, ApiResponse } from "../../kubernetes/transport.ts";
import { applyPatch, lastApplied, withLastApplied } from "../apply-patch.ts";
import { type Cluster, verb } from "../command.ts";
import { Discovery, type KnownResource, objectName } from "../discovery.ts";
import { CommandError } from "../errors.ts";
import { type Document, type Manifest, readAll } from "../manifests.ts";

export const apply = verb({
  flags: {
    filename: { takes: "texts", short: "f", value: "FILE|DIR|-", help: "what to apply; may be repeated" },
  },
  words: { least: 0, most: 0 },
  async run({ flags }, context) {
    const documents = await readAll(flags.filename, () => context.terminal.read());
    const cluster = await context.cluster();
    const discovery = new Discovery(cluster.client);
    let failures = 0;
    for (const document of documents) {
      const outcome = await applyDocument(document, cluster, discovery, context.global.namespace);
      if (outcome.ok) context.terminal.out(`${outcome.text}\n`);
      else context.terminal.error(`Error: ${outcome.text}\n`);
      const said = "warnings" in document ? (document.warnings ?? []) : [];
      for (const warning of [...said, ...(outcome.warnings ?? [])])
        context.terminal.error(`Warning: ${warning}\n`);
      failures += outcome.ok ? 0 : 1;
    }
    return failures === 0 ? 0 : 1;
  },
});

interface Outcome {
  readonly ok: boolean;
  readonly text: string;
  readonly warnings?: readonly string[];
}

async function applyDocument(
  document: Document,
  cluster: Cluster,
  discovery: Discovery,
  forcedNamespace: string | undefined,
): Promise<Outcome> {
  const { source } = document;
  if ("problem" in document) return { ok: false, text: `${source}: ${document.problem}` };
  const { apiVersion, kind, metadata } = document.manifest;
  try {
    const resource = await discovery.ofKind(apiVersion, kind);
    if (resource === undefined)
      throw new CommandError(
        `no matches for kind "${kind}" in version "${apiVersion}"; is its CustomResourceDefinition installed?`,
      );
    const manifest = placed(document.manifest, resource, cluster.namespace, forcedNamespace);
    return await applyManifest(manifest, resource, cluster);
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof CommandError)) throw error;
    // Nothing that follows could fare better.
    if (error instanceof ApiError && error.kind === "unreachable") throw error;
    return { ok: false, text: `${source}: ${kind} ${metadata.name ?? ""}: ${withoutObject(error.message)}` };
  }
}

/**
 * A server that cannot read what a patch makes of an object prints all of it in front of the reason; people have it in their file.
 */
function withoutObject(message: string): string {
  const [, reason] = /patch: Invalid value: "(?:\\.|[^"\\])*": (.*)$/s.exec(message) ?? [];
  return reason ?? message;
}

/** The manifest with the namespace that it goes to written into it. */
function placed(
  manifest: Manifest,
  resource: KnownResource,
  namespace: string,
  forced: string | undefined,
): Manifest {
  const { metadata } = manifest;
  if (!resource.namespaced) return manifest;
  if (forced !== undefined && metadata.namespace !== undefined && metadata.namespace !== forced)
    throw new CommandError(
      `the namespace from the manifest "${metadata.namespace}" does not match the namespace "${forced}" of --namespace`,
    );
  return { ...manifest, metadata: { ...metadata, namespace: metadata.namespace ?? namespace } };
}

async function applyManifest(
  manifest: Manifest,
  resource: KnownResource,
  cluster: Cluster,
): Promise<Outcome> {
  const { name, namespace } = manifest.metadata;
  if (name === undefined)
    throw new CommandError("must have metadata.name; generateName cannot be used with apply");
  const wanted = withLastApplied(manifest);
  const live = await cluster.client.get<KubernetesObject>(resource, namespace, name).catch(unlessGone);
  const { body, warnings } =
    live === undefined
      ? await send(cluster, { method: "POST", path: pathOf(resource, namespace), body: wanted })
      : await patch(cluster, pathOf(resource, namespace, name), live, wanted, resource);
  const written = body as KubernetesObject;
  return {
    ok: true,
    text: `${objectName(resource, name)} ${verdict(live, written)}`,
    ...(warnings === undefined ? {} : { warnings }),
  };
}

/** As a strategic merge patch where the server has one for the kind: that is, for Kubernetes' own. */
async function patch(
  cluster: Cluster,
  path: string,
  live: KubernetesObject,
  wanted: Manifest,
  { group }: KnownResource,
): Promise<ApiResponse> {
  const sendAs = (form: "strategic" | "merge"): Promise<ApiResponse> =>
    send(cluster, {
      method: "PATCH",
      path,
      body: applyPatch(lastApplied(live), { ...wanted }, form),
      contentType: `application/${form === "merge" ? "merge-patch" : "strategic-merge-patch"}+json`,
    });
  const mayBeBuiltIn = !group.includes(".") || group.endsWith(".k8s.io");
  if (!mayBeBuiltIn) return sendAs("merge");
  try {
    return await sendAs("strategic");
  } catch (error) {
    if (error instanceof ApiError && error.code === unsupportedMediaType) return sendAs("merge");
    throw error;
  }
}

const unsupportedMediaType = 415;

async function send({ client }: Cluster, request: ApiRequest): Promise<ApiResponse> {
  const query = { fieldManager: "teal", fieldValidation: "Strict" };
  const response = await client.transport.request({ ...request, query, userAgent: "teal" });
  if (response.code >= 400) throw ApiError.fromResponse(response.code, response.body);
  return response;
}

function verdict(live: KubernetesObject | undefined, written: KubernetesObject): string {
  if (live === undefined) return "created";
  return live.metadata.resourceVersion === written.metadata.resourceVersion ? "unchanged" : "configured";
}
