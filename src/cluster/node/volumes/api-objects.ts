import type { KubernetesObject, Pod } from "../../../api/core.ts";
import { pathOf, type Resource, resources } from "../../../api/resources.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import { WatchCache } from "../../../kubernetes/watch-cache.ts";
import { type Clock, type Instant, instant, later, parseTime } from "../../../time/clock.ts";

interface DataObject extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

interface TokenRequest {
  readonly status?: { readonly token?: string; readonly expirationTimestamp?: string };
}

interface Token {
  readonly text: string;
  readonly renewAt: Instant;
}

export type DataKind = "configmap" | "secret";

const kinds: Readonly<Record<DataKind, Resource>> = {
  configmap: resources.configMaps,
  secret: resources.secrets,
};
// The kubelet renews a token when 80 % of its time are over, and after a day at the latest.
const renewAfterShare = 0.8;
const longestUnrenewedSeconds = 24 * 3600;

/** What volumes are made of, as the API server has it. */
export class ApiObjects {
  readonly #client: KubernetesClient;
  readonly #clock: Clock;
  readonly #caches: readonly WatchCache<KubernetesObject>[];
  readonly #tokens = new Map<string, Token>();
  #isFollowed = false;

  /** `changed` is told of every ConfigMap and Secret that comes, changes or goes: `configmap/NAMESPACE/NAME`. */
  constructor(options: {
    readonly client: KubernetesClient;
    readonly clock: Clock;
    readonly changed: (object: string) => void;
    readonly onProblem: (text: string) => void;
  }) {
    const { client, clock, changed, onProblem } = options;
    this.#client = client;
    this.#clock = clock;
    this.#caches = Object.entries(kinds).map(([kind, resource]) => {
      // That something has changed is enough: what it holds is read by who needs it.
      const trim = ({ apiVersion, metadata }: KubernetesObject): KubernetesObject => {
        const { name, namespace, uid, resourceVersion } = metadata;
        const kept = { name, ...(namespace && { namespace }), ...(uid && { uid }) };
        return {
          apiVersion,
          kind: resource.kind,
          metadata: { ...kept, ...(resourceVersion && { resourceVersion }) },
        };
      };
      const cache = new WatchCache<KubernetesObject>({ client, clock, resource, trim, onProblem });
      cache.subscribe(({ object: { metadata } }) =>
        changed(`${kind}/${metadata.namespace}/${metadata.name}`),
      );
      return cache;
    });
  }

  /** From now on changes are told. */
  follow(): void {
    if (this.#isFollowed) return;
    this.#isFollowed = true;
    for (const cache of this.#caches) cache.start();
  }

  close(): void {
    for (const cache of this.#caches) cache.stop();
  }

  async data(
    kind: DataKind,
    namespace: string | undefined,
    name: string,
  ): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
    try {
      const { data = {}, binaryData = {} } = await this.#client.get<DataObject>(kinds[kind], namespace, name);
      const encoding = kind === "secret" ? "base64" : "utf8";
      return new Map([
        ...Object.entries(data).map(([key, text]) => [key, Buffer.from(text, encoding)] as const),
        ...Object.entries(binaryData).map(([key, text]) => [key, Buffer.from(text, "base64")] as const),
      ]);
    } catch (error) {
      if (error instanceof ApiError && error.kind === "notFound") return undefined;
      throw error;
    }
  }

  /** A token of the pod's ServiceAccount that is good while the pod is there; the same one until it is to be renewed. */
  async token(pod: Pod, audience: string | undefined, expirationSeconds: number): Promise<Token> {
    const { uid = "" } = pod.metadata;
    const wanted = `${uid}/${expirationSeconds}/${audience ?? ""}`;
    const known = this.#tokens.get(wanted);
    if (known !== undefined && this.#clock.now() < known.renewAt) return known;
    const token = await this.#request(pod, audience, expirationSeconds);
    this.#tokens.set(wanted, token);
    return token;
  }

  /** The pod is gone, and its tokens with it. */
  forget(podUid: string): void {
    for (const wanted of this.#tokens.keys())
      if (wanted.startsWith(`${podUid}/`)) this.#tokens.delete(wanted);
  }

  async #request(
    { metadata, spec }: Pod,
    audience: string | undefined,
    expirationSeconds: number,
  ): Promise<Token> {
    const account = spec.serviceAccountName ?? "default";
    const { name, uid } = metadata;
    const answer = (await this.#client.raw({
      method: "POST",
      path: pathOf(resources.serviceAccounts, metadata.namespace, account, "token"),
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: {
          ...(audience === undefined || audience === "" ? {} : { audiences: [audience] }),
          expirationSeconds,
          boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
        },
      },
    })) as TokenRequest;
    const text = answer.status?.token;
    if (text === undefined) throw new Error(`no token for ServiceAccount ${account}`);
    const now = this.#clock.now();
    const expiresAt = parseTime(answer.status?.expirationTimestamp ?? "") ?? later(now, expirationSeconds);
    const seconds = Math.min(((expiresAt - now) / 1000) * renewAfterShare, longestUnrenewedSeconds);
    return { text, renewAt: instant(now + seconds * 1000) };
  }
}
