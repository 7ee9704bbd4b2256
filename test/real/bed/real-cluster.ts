import { Agent, type RequestOptions } from "node:https";
import type { Condition } from "../../../src/api/core.ts";
import { resources } from "../../../src/api/resources.ts";
import { rolloutCustomResourceDefinition } from "../../../src/api/schema/rollout.ts";
import { KubernetesClient } from "../../../src/kubernetes/client.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import { transportFor } from "../../../src/kubernetes/kubeconfig.ts";
import { readKubeconfig } from "../../../src/kubernetes/kubeconfig-file.ts";

/** How the API server is reached byte by byte, for the proxy in front of it. */
export interface Upstream extends Pick<RequestOptions, "host" | "port" | "agent"> {
  readonly headers: Readonly<Record<string, string>>;
}

/** The cluster that the tests were given, asked without anything in between. */
export interface RealCluster {
  readonly client: KubernetesClient;
  readonly kubeconfig: string;
  readonly upstream: Upstream;
}

/** The cluster in $KUBECONFIG, with Teal's CustomResourceDefinition. */
export async function realCluster(): Promise<RealCluster> {
  const kubeconfig = process.env["KUBECONFIG"];
  if (kubeconfig === undefined)
    throw new Error(
      "these tests need a real Kubernetes: set KUBECONFIG to a file whose current context may do all",
    );
  const client = new KubernetesClient(transportFor({ kubeconfig }).transport, "teal-real-tests");
  await client
    .create(resources.customResourceDefinitions, undefined, rolloutCustomResourceDefinition())
    .catch((error: unknown) => {
      if (!(error instanceof ApiError) || error.kind !== "alreadyExists") throw error;
    });
  await servesRollouts(client);
  return { client, kubeconfig, upstream: upstreamOf(kubeconfig) };
}

/** A CustomResourceDefinition is served a moment after it was made; its condition says when. */
async function servesRollouts(client: KubernetesClient): Promise<void> {
  const name = `${resources.rollouts.plural}.${resources.rollouts.group}`;
  await new Promise<void>((resolve, reject) => {
    const stop = client.watch(
      resources.customResourceDefinitions,
      { fieldSelector: `metadata.name=${name}`, timeoutSeconds: 60 },
      {
        event: ({ object }) => {
          const { status } = object as { status?: { conditions?: readonly Condition[] | null } };
          if (!status?.conditions?.some(({ type, status: is }) => type === "Established" && is === "True"))
            return;
          stop();
          resolve();
        },
        ended: (error) => reject(error ?? new Error(`${name} was not established within a minute`)),
      },
    );
  });
}

function upstreamOf(kubeconfig: string): Upstream {
  const { currentContext = "", contexts, clusters, users } = readKubeconfig([kubeconfig]);
  const context = contexts.get(currentContext);
  const cluster = clusters.get(context?.text("cluster") ?? "");
  const user = users.get(context?.text("user") ?? "");
  const url = new URL(cluster?.text("server") ?? "");
  if (url.protocol !== "https:" || url.pathname !== "/")
    throw new Error(`the fault proxy needs an address like https://host:6443, not ${url.href}`);
  const token = user?.text("token");
  return {
    host: url.hostname,
    port: url.port === "" ? 443 : Number(url.port),
    agent: new Agent({
      keepAlive: true,
      ca: cluster?.content("certificate-authority")?.text,
      cert: user?.content("client-certificate")?.text,
      key: user?.content("client-key")?.text,
    }),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  };
}
