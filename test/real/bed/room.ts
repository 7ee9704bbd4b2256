import type { KubernetesObject, Pod, ReplicaSet, Service } from "../../../src/api/core.ts";
import { managedByAnnotation, podTemplateHashLabel } from "../../../src/api/names.ts";
import type { Rollout } from "../../../src/api/rollout.ts";
import { activeService, isAvailable, previewService, rolloutName, versionOf } from "./manifests.ts";

interface Observation {
  /** All kinds of a cluster count their versions together, so this is the order in which things happened. */
  readonly version: bigint;
  readonly at: number;
  readonly kind: string;
  readonly object: KubernetesObject;
  readonly isDeleted: boolean;
}

/** What people ask of a release, as the API shows it. */
export interface View {
  /** Absent without a Rollout. */
  readonly phase: string | undefined;
  readonly reason: string | undefined;
  readonly isAborted: boolean;
  readonly isDeleted: boolean;
  /** The status is about the present spec. */
  readonly isObserved: boolean;
  /** Versions; "none" where the selector has no hash, undefined where there is no Service. */
  readonly active: string | undefined;
  readonly preview: string | undefined;
  readonly stable: string | undefined;
  /** The version that the status calls live. */
  readonly live: string | undefined;
  /** Wanted pods of every version that has a ReplicaSet. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly available: Readonly<Record<string, number>>;
  readonly hasServiceAccount: boolean;
  /** How many of the Services are marked as a Rollout's. */
  readonly managedServices: number;
  readonly pods: number;
}

type Objects = Map<string, KubernetesObject>;

/** One namespace: what is there, and everything that has happened in it. */
export class Room {
  readonly namespace: string;
  readonly #history: Observation[] = [];
  readonly #present: Objects = new Map();
  /** From which version on which versions of the application users may be sent to. */
  readonly #allowed: { readonly from: bigint; readonly versions: ReadonlySet<string> }[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  observed(kind: string, object: KubernetesObject, isDeleted: boolean): void {
    const version = BigInt(object.metadata.resourceVersion ?? "0");
    this.#history.push({ version, at: Date.now(), kind, object, isDeleted });
    apply(this.#present, kind, object, isDeleted);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  view(): View {
    return viewOf(this.#present);
  }

  rollout(): Rollout | undefined {
    return this.#present.get(`Rollout ${rolloutName}`) as Rollout | undefined;
  }

  /** The names of all pods, whatever becomes of them. */
  podNames(): readonly string[] {
    return listOf<Pod>(this.#present, "Pod")
      .map(({ metadata }) => metadata.name)
      .toSorted();
  }

  /** When which version was called live in the status, in order; milliseconds. */
  liveChanges(): readonly { readonly version: string; readonly at: number }[] {
    const changes: { version: string; at: number }[] = [];
    for (const { at, view } of this.#replay())
      if (view.live !== undefined && view.live !== changes.at(-1)?.version)
        changes.push({ version: view.live, at });
    return changes;
  }

  /** The phases that were to be seen since then, each once. */
  phasesSince(moment: number): readonly string[] {
    const later = [...this.#replay()].filter(({ at }) => at >= moment);
    return [...new Set(later.map(({ view }) => view.phase ?? "none"))];
  }

  /** From now on users may be sent to these versions and to no other. */
  allow(...versions: readonly string[]): void {
    const from = this.#history.reduce((latest, { version }) => (version > latest ? version : latest), 0n);
    this.#allowed.push({ from, versions: new Set(versions) });
  }

  get allowed(): readonly string[] {
    return [...(this.#allowed.at(-1)?.versions ?? [])];
  }

  /** Fulfilled with the next observation. */
  nextChange(): Promise<void> {
    return this.#changed.promise;
  }

  /** When this was first so, by the clock of the tests; milliseconds. */
  firstSeen(holds: (view: View) => boolean): number {
    for (const { at, view } of this.#replay()) if (holds(view)) return at;
    throw new Error("this has never been so");
  }

  /** Everything that happened and must never happen, in words. */
  violations(): readonly string[] {
    const found = new Set<string>();
    let before: View | undefined;
    for (const { version, objects, view } of this.#replay()) {
      for (const text of unserved(objects, view)) found.add(text);
      const { active } = view;
      if (active !== undefined && active !== "none" && active !== before?.active) {
        const allowed = this.#allowed.findLast(({ from }) => from < version)?.versions ?? new Set();
        if (!allowed.has(active))
          found.add(`the active Service was set to ${active}; allowed: ${[...allowed].join(", ") || "none"}`);
      }
      const size = before === undefined ? 0 : (before.sizes[active ?? ""] ?? 0);
      if (view.active === before?.active && size > 0 && view.sizes[active ?? ""] === 0)
        found.add(`${active} was scaled to 0 while the active Service selected it`);
      before = view;
    }
    return [...found];
  }

  *#replay(): Generator<{ version: bigint; at: number; objects: Objects; view: View }> {
    const objects: Objects = new Map();
    const inOrder = this.#history.toSorted((a, b) => Number(a.version - b.version));
    for (const { version, at, kind, object, isDeleted } of inOrder) {
      apply(objects, kind, object, isDeleted);
      const view = viewOf(objects);
      // What a Rollout leaves behind is taken away in any order.
      if (view.phase !== undefined) yield { version, at, objects, view };
    }
  }
}

/** Users are on a version without a pod that could serve, though another one has some. */
function unserved(objects: Objects, view: View): readonly string[] {
  const { active } = view;
  if (active === undefined || active === "none" || view.isDeleted) return [];
  const serving = new Map<string, number>();
  for (const version of Object.keys(view.sizes)) serving.set(version, 0);
  for (const pod of listOf<Pod>(objects, "Pod")) {
    const version = versionOf(pod);
    if (isAvailable(pod)) serving.set(version, (serving.get(version) ?? 0) + 1);
  }
  const better = [...serving].filter(([version, count]) => version !== active && count > 0);
  if (better.length === 0 || (serving.get(active) ?? 0) > 0) return [];
  return [
    `the active Service selected ${active}, which had no available pod, while ${better.map(([version]) => version).join(", ")} had some`,
  ];
}

function apply(objects: Objects, kind: string, object: KubernetesObject, isDeleted: boolean): void {
  const key = `${kind} ${object.metadata.name}`;
  if (isDeleted) objects.delete(key);
  else objects.set(key, object);
}

function viewOf(objects: Objects): View {
  const rollout = objects.get(`Rollout ${rolloutName}`) as Rollout | undefined;
  const { status = {}, metadata } = rollout ?? {};
  const replicaSets = listOf<ReplicaSet>(objects, "ReplicaSet");
  const versions = new Map(
    replicaSets.map((it) => [it.metadata.labels?.[podTemplateHashLabel], versionOf(it.spec.template)]),
  );
  const named = (hash: string | undefined): string | undefined =>
    hash === undefined || hash === "" ? undefined : (versions.get(hash) ?? `unknown ${hash}`);
  const selected = (name: string): string | undefined => {
    const service = objects.get(`Service ${name}`) as Service | undefined;
    return service === undefined
      ? undefined
      : (named(service.spec.selector?.[podTemplateHashLabel]) ?? "none");
  };
  const services = listOf<Service>(objects, "Service");
  return {
    phase: status.phase ?? (rollout === undefined ? undefined : "none"),
    reason: status.message,
    isAborted: status.abort === true,
    isObserved: status.observedGeneration === String(metadata?.generation),
    isDeleted: metadata?.deletionTimestamp !== undefined,
    active: selected(activeService),
    preview: selected(previewService),
    stable: named(status.stableRS),
    live: named(status.blueGreen?.activeSelector),
    sizes: Object.fromEntries(
      replicaSets.map(({ spec }) => [versionOf(spec.template), spec.replicas ?? 1]).toSorted(),
    ),
    available: Object.fromEntries(
      replicaSets.map((it) => [versionOf(it.spec.template), it.status?.availableReplicas ?? 0]).toSorted(),
    ),
    hasServiceAccount: objects.has("ServiceAccount default"),
    managedServices: services.filter(({ metadata: { annotations } }) => annotations?.[managedByAnnotation])
      .length,
    pods: listOf<Pod>(objects, "Pod").length,
  };
}

function listOf<T extends KubernetesObject>(objects: Objects, kind: string): readonly T[] {
  return [...objects].filter(([key]) => key.startsWith(`${kind} `)).map(([, object]) => object as T);
}
